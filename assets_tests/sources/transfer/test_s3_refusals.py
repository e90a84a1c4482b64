"""The errors that the refusals of a server become."""

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from assets_tests.faulty_proxy import FaultyProxy
from assets_tests.s3_server import S3Server
from assets_tests.sources.s3_faults import DAY, SESSION, Waits, refuse
from pipeline.errors import AccessDenied, CandlelakeError, SettingsError, TransferFailed
from pipeline.sources.port import FlatFile, key_of
from pipeline.sources.transfer.s3 import Bucket, S3FlatFiles


def test_a_file_outside_the_plan_says_so(
    *, s3_server: S3Server, bucket: Bucket, listed: FlatFile, faulty_proxy: FaultyProxy, waits: Waits, tmp_path: Path
) -> None:
    small_plan = S3FlatFiles(
        replace(
            bucket,
            endpoint=faulty_proxy.endpoint,
            key_id=s3_server.listing_key_id,
            secret=SecretStr(s3_server.listing_secret),
        ),
        waits.patience(),
    )

    assert small_plan.files(DAY) == [listed]
    for read in (lambda: small_plan.require_readable(listed), lambda: small_plan.download(listed, tmp_path / "x")):
        faulty_proxy.requests.clear()
        with pytest.raises(AccessDenied, match="outside the plan") as denied:
            read()
        assert key_of(DAY, SESSION) in denied.value.message
        assert "CANDLELAKE_START" in denied.value.remedy
        assert len(faulty_proxy.requests) == 2  # the read, and the listing that separates plan from credentials
    assert not waits.slept
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "wrong", [{"secret": SecretStr("wrong-secret")}, {"key_id": "nobody"}], ids=["secret", "key id"]
)
def test_wrong_credentials_are_reported_as_wrong_and_not_tried_again(
    bucket: Bucket, listed: FlatFile, faulty_proxy: FaultyProxy, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    source = S3FlatFiles(replace(bucket, endpoint=faulty_proxy.endpoint, **wrong))

    calls: list[Callable[[], object]] = [
        lambda: source.files(DAY),
        lambda: source.file(DAY, SESSION),
        lambda: source.require_readable(listed),
        lambda: source.download(listed, tmp_path / "day.csv.gz"),
    ]
    for ask in calls:
        faulty_proxy.requests.clear()
        with pytest.raises(AccessDenied, match="credentials are not accepted") as denied:
            ask()
        assert "CANDLELAKE_FLAT_FILES_SECRET" in denied.value.remedy
        assert len(faulty_proxy.requests) <= 2
    assert not list(tmp_path.iterdir())


def test_a_refused_listing_points_to_the_credentials(shaky: S3FlatFiles, faulty_proxy: FaultyProxy) -> None:
    faulty_proxy.always = refuse(403, "AccessDenied")

    with pytest.raises(AccessDenied, match="even to the listing"):
        shaky.files(DAY)
    assert len(faulty_proxy.requests) == 1


def test_a_wrong_clock_is_named(shaky: S3FlatFiles, faulty_proxy: FaultyProxy) -> None:
    faulty_proxy.always = refuse(403, "RequestTimeTooSkewed")

    with pytest.raises(AccessDenied, match="clock is wrong"):
        shaky.files(DAY)


def test_a_bucket_that_does_not_exist_is_a_wrong_setting(bucket: Bucket) -> None:
    with pytest.raises(SettingsError, match="no such bucket"):
        S3FlatFiles(replace(bucket, name="bucket-of-nobody")).files(DAY)


def test_a_request_the_server_does_not_understand_is_a_wrong_setting(
    shaky: S3FlatFiles, faulty_proxy: FaultyProxy
) -> None:
    faulty_proxy.always = refuse(400, "AuthorizationHeaderMalformed")

    with pytest.raises(SettingsError, match="400 AuthorizationHeaderMalformed"):
        shaky.files(DAY)


def test_an_unreachable_endpoint_is_named(bucket: Bucket, waits: Waits) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(TransferFailed, match=f"{endpoint} does not answer") as unreachable:
            S3FlatFiles(replace(bucket, endpoint=endpoint), waits.patience()).files(DAY)
    assert "CANDLELAKE_FLAT_FILES_ENDPOINT" in unreachable.value.remedy


def test_the_secret_shows_nowhere(
    bucket: Bucket, shaky: S3FlatFiles, faulty_proxy: FaultyProxy, tmp_path: Path
) -> None:
    guarded = replace(bucket, endpoint=faulty_proxy.endpoint, secret=SecretStr("wrong-secret"))
    source = S3FlatFiles(guarded)

    with pytest.raises(CandlelakeError) as denied:
        source.files(DAY)

    texts = [str(denied.value), repr(denied.value), repr(source), str(source), repr(guarded), str(guarded)]
    texts += [repr(vars(source)), repr(denied.value.__cause__)]
    assert not [text for text in texts if "wrong-secret" in text]
