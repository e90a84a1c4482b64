"""From a real S3 server to the tables, and what the run leaves behind when the server refuses."""

import logging
from datetime import date
from uuid import uuid4

import pytest
from dagster import build_sensor_context

from assets_tests.dagster_runs import TO_BARS, failure_of, instance, rows, run
from assets_tests.stock_graph import SENSORS
from assets_tests.vendor_day import day_file, key_of, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.lake.lake import Lake
from pipeline.lake.sql import connect
from pipeline.orchestration.instance import open_instance
from pipeline.orchestration.runs import run_sessions
from pipeline.progress import Progress
from pipeline.settings import Settings
from pipeline.sources.choose import Sources

vendor_files = SENSORS["vendor_files"]

FRI = date(2024, 1, 5)


@pytest.fixture(scope="module")
def bucket(s3_server):
    return s3_server.make_bucket()


def put(s3_server, bucket, *lines):
    s3_server.client.put_object(Bucket=bucket, Key=key_of(FRI), Body=day_file(*lines))


def settings(s3_server, bucket, home, **changed):
    given = {"flat_files_key_id": s3_server.key_id, "flat_files_secret": s3_server.secret} | changed
    return Settings(home=home, flat_files=f"s3://{bucket}", flat_files_endpoint=s3_server.endpoint, **given)


def files_with(home, text):
    """Return the files under `home` whose bytes hold `text`."""
    return [path for path in home.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.fixture(autouse=True)
def dagsters_log_level():
    level = logging.getLogger("dagster").level
    yield
    logging.getLogger("dagster").setLevel(level)


def watch_requests(home):
    tick = vendor_files(build_sensor_context(), lake=Lake(home.lake), sources=Sources(home), settings=home)
    return [request for request in tick if hasattr(request, "run_key")]


def test_a_replaced_file_is_seen_and_run_again_and_both_deliveries_are_recorded(s3_server, bucket, tmp_path, new_lake):
    home = settings(s3_server, bucket, tmp_path / "home", end=FRI, **new_lake())
    put(s3_server, bucket, row(FRI, "NA"), row(FRI, "TRUE"))
    (first,) = watch_requests(home)
    run_sessions(home, [date.fromisoformat(first.partition_key)], Progress())
    assert rows(home, DAILY_BARS)["ticker"].to_list() == ["NA", "TRUE"]
    assert watch_requests(home) == []
    bars = connect(home.lake).sql("SELECT ticker, session FROM stocks.daily_bars ORDER BY ticker")
    assert bars.rows() == [("NA", FRI), ("TRUE", FRI)]

    put(s3_server, bucket, row(FRI, "NA", "11"))
    (second,) = watch_requests(home)
    assert second.partition_key == first.partition_key
    assert second.run_key != first.run_key
    with instance() as dagster:
        run(home, [date.fromisoformat(second.partition_key)], instance=dagster, only=TO_BARS)
    assert rows(home, DAILY_BARS)["close"].to_list() == [11.0]
    deliveries = rows(home, DELIVERIES)
    versions = {f"{one['session']}:{one['etag']}": one["is_current"] for one in deliveries.iter_rows(named=True)}
    assert versions == {first.run_key: False, second.run_key: True}
    assert watch_requests(home) == []
    assert files_with(home.home, s3_server.secret) == []


def refused_run(home):
    """Return the failure of a run on the home's instance, and all its log entries on the instance."""
    with open_instance(home.home) as dagster:
        result = run(home, [FRI], instance=dagster, raises=False)
        logs = [
            entry.to_json() if hasattr(entry, "to_json") else str(entry) for entry in dagster.all_logs(result.run_id)
        ]
        return result.success, failure_of(result), logs


def test_wrong_credentials_fail_the_run_as_access_denied_and_the_secret_is_nowhere(s3_server, bucket, tmp_path):
    planted = f"planted{uuid4().hex}"
    put(s3_server, bucket, row(FRI, "NA"))
    home = settings(s3_server, bucket, tmp_path / "home", flat_files_secret=planted)
    success, failure, logs = refused_run(home)
    assert not success
    assert "AccessDenied" in failure
    assert "CANDLELAKE_FLAT_FILES_SECRET" in failure, "the remedy"
    assert not any(planted in line for line in (failure, *logs))
    assert files_with(home.home, "AccessDenied"), "the search finds what is stored"
    assert files_with(tmp_path, planted) == []
    assert not home.lake.exists()


def test_a_file_outside_the_plan_fails_the_run_and_says_so(s3_server, bucket, tmp_path):
    put(s3_server, bucket, row(FRI, "NA"))
    home = settings(
        s3_server,
        bucket,
        tmp_path / "home",
        flat_files_key_id=s3_server.listing_key_id,
        flat_files_secret=s3_server.listing_secret,
    )
    success, failure, _ = refused_run(home)
    assert not success
    assert "AccessDenied" in failure
    assert "outside the plan" in failure
    assert files_with(home.home, s3_server.listing_secret) == []
