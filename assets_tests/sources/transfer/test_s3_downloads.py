"""Downloads from a bucket: what passes, what does not, and what must not be taken for the file."""

from dataclasses import replace
from pathlib import Path

import pytest

from assets_tests.examples import first_quick
from assets_tests.faulty_proxy import Exchange, Fault, FaultyProxy
from assets_tests.s3_server import S3Server
from assets_tests.sources.s3_faults import (
    BODY,
    SESSION,
    Waits,
    cut_short,
    cut_short_unannounced,
    drip,
    fall_silent,
    flip_a_bit,
    hang_up,
    login_page,
    make_longer,
    refuse,
    reset_midway,
)
from pipeline.errors import FileRefused, TransferFailed
from pipeline.sources.port import Dataset, FlatFile, key_of
from pipeline.sources.transfer.patience import Patience
from pipeline.sources.transfer.s3 import Bucket, S3FlatFiles

PASSING_FAULTS = [
    refuse(503, "SlowDown"),
    refuse(500, "InternalError"),
    refuse(502, "BadGateway"),
    refuse(429, "TooManyRequests"),
    hang_up,
    reset_midway,
    cut_short,
    cut_short_unannounced,
    make_longer,
    flip_a_bit,
]
NAMES = [
    "SlowDown",
    "500",
    "502",
    "429",
    "reset before headers",
    "reset",
    "short",
    "short unannounced",
    "long",
    "flipped bit",
]


@pytest.mark.parametrize("fault", PASSING_FAULTS, ids=NAMES)
def test_a_download_outlasts_two_passing_faults(
    *, shaky: S3FlatFiles, listed: FlatFile, faulty_proxy: FaultyProxy, waits: Waits, tmp_path: Path, fault: Fault
) -> None:
    faulty_proxy.faults = [fault, fault]

    download = shaky.download(listed, tmp_path / "day.csv.gz")

    assert download.path.read_bytes() == BODY
    assert len(faulty_proxy.requests) == 3
    assert waits.slept == [0.5, 1.0]
    assert list(tmp_path.iterdir()) == [download.path]


@pytest.mark.parametrize("fault", first_quick(PASSING_FAULTS, quick=3), ids=NAMES)
def test_a_fault_that_does_not_pass_ends_after_all_attempts_and_leaves_the_old_file(
    *, shaky: S3FlatFiles, listed: FlatFile, faulty_proxy: FaultyProxy, waits: Waits, tmp_path: Path, fault: Fault
) -> None:
    target = tmp_path / "day.csv.gz"
    target.write_bytes(b"yesterday's")
    faulty_proxy.always = fault

    with pytest.raises(TransferFailed, match="Gave up after 4 attempts"):
        shaky.download(listed, target)

    assert len(faulty_proxy.requests) == 4
    assert waits.slept == [0.5, 1.0, 2.0]
    assert target.read_bytes() == b"yesterday's"
    assert list(tmp_path.iterdir()) == [target]


def test_a_login_page_is_not_taken_for_a_file(
    shaky: S3FlatFiles, listed: FlatFile, faulty_proxy: FaultyProxy, tmp_path: Path
) -> None:
    faulty_proxy.always = login_page()

    with pytest.raises(TransferFailed, match="login page"):
        shaky.download(listed, tmp_path / "day.csv.gz")
    with pytest.raises(TransferFailed, match="login page"):
        shaky.require_readable(listed)
    assert not list(tmp_path.iterdir())


def test_a_request_to_a_server_that_falls_silent_is_given_up_and_made_again(
    bucket: Bucket, listed: FlatFile, faulty_proxy: FaultyProxy, waits: Waits, tmp_path: Path
) -> None:
    impatient = S3FlatFiles(replace(bucket, endpoint=faulty_proxy.endpoint), waits.patience(read_timeout=0.2))
    faulty_proxy.faults = [fall_silent]

    assert impatient.download(listed, tmp_path / "day.csv.gz").path.read_bytes() == BODY
    assert len(faulty_proxy.requests) == 2


def test_no_attempt_begins_after_the_deadline(
    bucket: Bucket, listed: FlatFile, faulty_proxy: FaultyProxy, waits: Waits, tmp_path: Path
) -> None:
    hurried = S3FlatFiles(
        replace(bucket, endpoint=faulty_proxy.endpoint), waits.patience(attempts=50, seconds=10, slowest=1e12)
    )
    faulty_proxy.always = refuse(503, "SlowDown")

    with pytest.raises(TransferFailed, match="Gave up after 5 attempts"):
        hurried.download(listed, tmp_path / "day.csv.gz")
    assert waits.slept == [0.5, 1.0, 2.0, 4.0]


def test_a_trickle_is_given_up_at_the_deadline(bucket: Bucket, listed: FlatFile, tmp_path: Path) -> None:
    seconds = iter(range(10_000))
    clocked = Patience(seconds=2, slowest=1e12, clock=lambda: float(next(seconds)))

    with pytest.raises(TransferFailed, match="too slowly"):
        S3FlatFiles(bucket, clocked).download(listed, tmp_path / "day.csv.gz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("part", first_quick(["head", "body"]))
def test_a_server_that_drips_for_ever_is_given_up_at_the_deadline(
    *, bucket: Bucket, listed: FlatFile, faulty_proxy: FaultyProxy, tmp_path: Path, part: str
) -> None:
    # A byte comes every 0.05 s, so that no silence ever lasts until `read_timeout`: only the deadline ends it.
    patience = Patience(seconds=0.5, slowest=1e12, grace=0.2, read_timeout=30)
    hurried = S3FlatFiles(replace(bucket, endpoint=faulty_proxy.endpoint), patience)
    faulty_proxy.always = drip(part)

    with pytest.raises(TransferFailed, match="too slowly"):
        hurried.download(listed, tmp_path / "day.csv.gz")
    with pytest.raises(TransferFailed, match="too slowly"):
        hurried.files(Dataset.DAY_AGGS)
    assert not (tmp_path / "day.csv.gz").exists()


@pytest.mark.thorough
def test_a_body_without_end_is_given_up_at_the_size_that_was_listed(
    shaky: S3FlatFiles, listed: FlatFile, faulty_proxy: FaultyProxy, tmp_path: Path
) -> None:
    def longer(exchange: Exchange) -> None:
        exchange.body *= 20

    faulty_proxy.always = longer

    with pytest.raises(TransferFailed, match=f"brought more than its {len(BODY)} bytes"):
        shaky.download(listed, tmp_path / "day.csv.gz")
    assert not list(tmp_path.iterdir())


def test_a_file_of_a_size_that_cannot_be_is_not_fetched(
    shaky: S3FlatFiles, listed: FlatFile, faulty_proxy: FaultyProxy, tmp_path: Path
) -> None:
    with pytest.raises(FileRefused, match="listed with 1,000,000,000,000 bytes"):
        shaky.download(replace(listed, size=10**12), tmp_path / "day.csv.gz")
    assert faulty_proxy.requests == []


def lay_in_parts(s3_server: S3Server, bucket: Bucket) -> None:
    """Lay a trades file whose ETag is no MD5."""
    key = key_of(Dataset.TRADES, SESSION)
    upload = s3_server.client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
    where = {"Bucket": bucket.name, "Key": key, "UploadId": upload}
    part = s3_server.client.upload_part(**where, PartNumber=1, Body=BODY)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3_server.client.complete_multipart_upload(**where, MultipartUpload=parts)


def test_a_multipart_etag_is_not_taken_for_an_md5(
    s3_server: S3Server, bucket: Bucket, source: S3FlatFiles, tmp_path: Path
) -> None:
    lay_in_parts(s3_server, bucket)

    file = source.file(Dataset.TRADES, SESSION)

    assert "-" in file.etag
    assert source.download(file, tmp_path / "trades.csv.gz").path.read_bytes() == BODY


@pytest.mark.parametrize("fault", [cut_short_unannounced, make_longer], ids=["short", "long"])
def test_without_an_md5_the_size_still_reveals_a_wrong_body(
    *, s3_server: S3Server, bucket: Bucket, shaky: S3FlatFiles, faulty_proxy: FaultyProxy, tmp_path: Path, fault: Fault
) -> None:
    lay_in_parts(s3_server, bucket)
    file = shaky.file(Dataset.TRADES, SESSION)
    faulty_proxy.always = fault

    with pytest.raises(TransferFailed, match=f"instead of {len(BODY)}|more than its {len(BODY)}"):
        shaky.download(file, tmp_path / "trades.csv.gz")
    assert not list(tmp_path.iterdir())


def test_a_server_that_ignores_if_match_cannot_pass_another_version_off(
    shaky: S3FlatFiles, listed: FlatFile, faulty_proxy: FaultyProxy, tmp_path: Path
) -> None:
    def newer(exchange: Exchange) -> None:
        exchange.headers = [(name, '"0"' if name.lower() == "etag" else value) for name, value in exchange.headers]

    faulty_proxy.always = newer

    with pytest.raises(TransferFailed, match="replaced since it was listed"):
        shaky.download(listed, tmp_path / "day.csv.gz")
    assert len(faulty_proxy.requests) == 1


def test_a_replaced_file_is_not_requested_again(
    shaky: S3FlatFiles, listed: FlatFile, faulty_proxy: FaultyProxy, tmp_path: Path
) -> None:
    with pytest.raises(TransferFailed, match="replaced since it was listed"):
        shaky.download(replace(listed, etag="0" * 32), tmp_path / "day.csv.gz")
    assert len(faulty_proxy.requests) == 1
