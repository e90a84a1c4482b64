"""The servers a lake may be on: one that overwrites a commit it must keep is refused before any write."""

import hashlib
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from assets_tests.careless_s3 import careless_server
from assets_tests.lake.conftest import JAN_2, PRICES, prices, stored_closes
from pipeline.errors import LakeRefused, LakeUnreachable
from pipeline.lake.delta.maintenance import compact
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles, Receipt
from pipeline.lake.storage import store
from pipeline.lake.storage.s3_objects import S3Objects
from pipeline.lake.storage.s3_prefix import S3Prefix


def place(endpoint, bucket="lake", **changed):
    given = {"prefix": "kept", "region": "us-east-1", "key_id": "key", "secret": SecretStr("planted-secret")} | changed
    return S3Prefix(bucket=bucket, endpoint=endpoint, **given)


def replaced(lake):
    return lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")


@pytest.fixture
def careless():
    with careless_server() as server:
        yield server


@pytest.fixture
def real(s3_server):
    return s3_server.place()


def test_the_careless_server_does_overwrite(careless):
    objects = S3Objects(place(careless.endpoint))
    assert [objects.put_new("one", b"first"), objects.put_new("one", b"second")] == [True, True]
    assert objects.read("one") == b"second"


def test_every_commit_asks_not_to_overwrite(careless, monkeypatch):
    monkeypatch.setattr(store, "_probe", lambda _: None)
    lake = Lake(place(careless.endpoint))
    replaced(lake)
    replaced(lake)
    compact(lake, PRICES, run_id="r")
    assert stored_closes(lake) == {(JAN_2, "A"): 1.0}
    commits = {path: condition for path, condition in careless.conditions.items() if "/_delta_log/0" in path}
    assert len(commits) == lake.version(PRICES) + 1
    assert all(condition == {"*"} for condition in commits.values())


def test_a_server_that_ignores_conditions_is_refused_before_a_table_is_made(careless):
    with pytest.raises(LakeRefused, match="ignores If-None-Match"):
        replaced(Lake(place(careless.endpoint)))
    assert careless.objects == {}


def test_it_is_refused_again_by_the_same_process(careless):
    for _ in range(2):
        with pytest.raises(LakeRefused):
            replaced(Lake(place(careless.endpoint)))
    with pytest.raises(LakeRefused):
        compact(Lake(place(careless.endpoint)), PRICES, run_id="r")


def test_no_vendor_file_is_stored_there_either(careless, tmp_path):
    download = tmp_path / "download"
    download.write_bytes(b"bytes")
    receipt = Receipt(
        session=JAN_2,
        key="us_stocks_sip/day_aggs_v1/2024/01/2024-01-02.csv.gz",
        etag="e",
        size=5,
        last_modified=datetime(2024, 1, 3, tzinfo=UTC),
        sha256=hashlib.sha256(b"bytes").hexdigest(),
    )
    with pytest.raises(LakeRefused):
        RawFiles(place(careless.endpoint)).store(receipt, download)
    assert careless.objects == {}


def test_a_server_that_heeds_them_is_taken_and_nothing_of_the_probe_stays(real):
    Lake(real).store.require_safe_commits()
    assert list(S3Objects(real).names("")) == []
    assert replaced(Lake(real)).rows == 1


def test_a_bucket_that_is_not_there_is_named_and_not_made(real, s3_server):
    missing = place(s3_server.endpoint, "no-such-bucket", key_id=real.key_id, secret=real.secret)
    with pytest.raises(LakeRefused, match="no bucket no-such-bucket"):
        replaced(Lake(missing))
    assert "no-such-bucket" not in [bucket["Name"] for bucket in s3_server.client.list_buckets()["Buckets"]]


@pytest.mark.parametrize("wrong", ["secret", "key_id"])
def test_credentials_that_are_not_accepted_are_named_by_their_settings(real, s3_server, wrong):
    given = {"key_id": real.key_id, "secret": real.secret}
    given[wrong] = SecretStr("planted-secret") if wrong == "secret" else "planted-key"
    refused = Lake(place(s3_server.endpoint, real.bucket, **given))
    for ask in (lambda: refused.exists(PRICES), refused.tables, lambda: replaced(refused)):
        with pytest.raises(LakeRefused, match=r"CANDLELAKE_LAKE_KEY_ID") as refusal:
            ask()
        assert "planted" not in str(refusal.value)


def test_a_key_that_may_only_list_is_refused(real, s3_server):
    secret = SecretStr(s3_server.listing_secret)
    listing = place(s3_server.endpoint, real.bucket, key_id=s3_server.listing_key_id, secret=secret)
    with pytest.raises(LakeRefused, match="may list, read, write and delete"):
        replaced(Lake(listing))


@pytest.mark.thorough
def test_a_server_that_does_not_answer_is_named(unused_tcp_address):
    with pytest.raises(LakeUnreachable, match=unused_tcp_address):
        Lake(place(unused_tcp_address)).tables()
    with pytest.raises(LakeUnreachable, match=unused_tcp_address):
        Lake(place(unused_tcp_address)).exists(PRICES)


@pytest.fixture
def unused_tcp_address():
    with careless_server() as closed:
        pass
    return closed.endpoint
