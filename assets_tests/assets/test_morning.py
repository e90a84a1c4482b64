"""The morning edition: a session from the REST API at 00:15, and what its flat file changes when it comes."""

import gzip
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import md5, sha256
from shutil import rmtree
from types import SimpleNamespace

import polars as pl
import pytest
import time_machine
from dagster import AssetKey

from assets_tests.dagster_runs import TO_BARS, failure_of, instance, rows, run
from assets_tests.examples import first_quick
from assets_tests.sources.vendor_aggregates import AggregatesApi, bar
from assets_tests.sources.vendor_rest import say, say_json
from assets_tests.vendor_day import VendorFolder, key_of, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.errors import NotPublished
from pipeline.lake.delta.maintenance import compact
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles

THU, FRI = date(2024, 1, 4), date(2024, 1, 5)
ANSWER_KEY = "rest/grouped_daily/2024/01/2024-01-05.json.gz"
FLAT, REST = "us_stocks_sip/day_aggs_v1", "rest/grouped_daily"
MORNING = {"AAPL": bar(11), "IBM": bar(12), "KO": bar(13), "BAD": bar(v=-1), "X": bar(10), "Y": bar(10)}


@pytest.fixture
def api(httpserver):
    api = AggregatesApi(httpserver)
    api.days = {FRI: dict(MORNING)}
    return api


@pytest.fixture
def vendor(tmp_path):
    return VendorFolder(tmp_path)


@pytest.fixture
def home(vendor, api):
    """Settings with the REST key, and a flat file of the session before."""
    vendor.lay(THU, row(THU, "AAPL"))
    return vendor.settings(**api.settings)


@pytest.fixture
def dagster():
    """An instance, on the day after the session."""
    with time_machine.travel(datetime(2024, 1, 6, 6, tzinfo=UTC)), instance() as ephemeral:
        yield ephemeral


def closes(settings, session=FRI):
    bars = rows(settings, DAILY_BARS).filter(pl.col("session") == session)
    return dict(bars.select("ticker", "close").iter_rows())


def partition_metadata(result, table, session):
    """Return the metadata of one partition as plain values."""
    (event,) = [
        event.materialization
        for event in result.get_asset_materialization_events()
        if (event.asset_key, event.partition) == (AssetKey(["stocks", table]), str(session))
    ]
    return {name: getattr(value, "records", value.value) for name, value in event.metadata.items()}


def in_force(settings):
    """Return whether each session's bars are provisional."""
    return dict(rows(settings, DELIVERIES).filter("is_current").select("session", "provisional").iter_rows())


def warnings(dagster, result):
    return [entry.user_message for entry in dagster.all_logs(result.run_id) if entry.level == 30]


@pytest.fixture(scope="module")
def morning(tmp_path_factory, module_server):
    """A session at 00:15, and again with its flat file: one ticker added, one altered, one removed."""
    api = AggregatesApi(module_server)
    api.days = {FRI: dict(MORNING)}
    vendor = VendorFolder(tmp_path_factory.mktemp("morning"))
    settings = vendor.settings(**api.settings)
    vendor.lay(THU, row(THU, "AAPL"))
    with instance() as dagster:
        with time_machine.travel(datetime(2024, 1, 6, 5, 15, tzinfo=UTC), tick=True):
            first = run(settings, [FRI], instance=dagster)
        found = SimpleNamespace(settings=settings, dagster=dagster, first=first, paths=api.paths())
        found.closes = closes(settings)
        found.deliveries = rows(settings, DELIVERIES)
        found.quarantine = rows(settings, QUARANTINE)
        found.file = vendor.lay(
            FRI, *(row(FRI, name, close) for name, close in {"IBM": "12.5", "KO": "13", "NEW": "9", "Y": "10"}.items()),
            row(FRI, "X"), row(FRI, "BAD", volume="-1"),
        )  # fmt: skip
        found.second = run(settings, [FRI], instance=dagster)
        yield found


def test_the_morning_s_bars_are_the_vendor_s_good_rows(morning):
    assert morning.paths == [f"/v2/aggs/grouped/locale/us/market/stocks/{FRI}"]
    assert morning.closes == {"AAPL": 11.0, "IBM": 12.0, "KO": 13.0, "X": 10.0, "Y": 10.0}
    assert morning.quarantine.select("ticker", "reasons", "key").rows() == [("BAD", ["negative_volume"], ANSWER_KEY)]


def test_the_morning_s_delivery_is_provisional_and_names_the_answer(morning):
    (delivery,) = morning.deliveries.to_dicts()
    raw = RawFiles(morning.settings.lake)
    (receipt,) = raw.versions(REST, FRI)
    packed = raw.read(receipt)
    assert delivery == {
        "session": FRI,
        "key": ANSWER_KEY,
        "etag": md5(gzip.decompress(packed), usedforsecurity=False).hexdigest(),
        "is_current": True,
        "size": len(packed),
        "last_modified": receipt.last_modified,
        "sha256": sha256(packed).hexdigest(),
        "rows_read": 6,
        "kept": 5,
        "duplicates": 0,
        "quarantined": 1,
        "run_id": morning.first.run_id,
        "provisional": True,
    }
    assert receipt.last_modified.replace(microsecond=0, second=0) == datetime(2024, 1, 6, 5, 15, tzinfo=UTC)


def test_the_flat_file_replaces_bars_and_quarantine(morning):
    assert closes(morning.settings) == {"IBM": 12.5, "KO": 13.0, "NEW": 9.0, "X": 10.0, "Y": 10.0}
    assert rows(morning.settings, QUARANTINE)["key"].to_list() == [key_of(FRI)]


def test_both_editions_stay_in_raw_and_in_the_audit_trail(morning):
    raw = RawFiles(morning.settings.lake)
    assert raw.read(raw.in_force([FLAT, REST], FRI)) == morning.file
    assert len(raw.versions(REST, FRI)) == 1
    fates = rows(morning.settings, DELIVERIES).select("key", "is_current", "provisional", "rows_read", "kept", "run_id")
    assert fates.rows() == [
        (ANSWER_KEY, False, True, 6, 5, morning.first.run_id),
        (key_of(FRI), True, False, 6, 5, morning.second.run_id),
    ]


def test_changes_are_reported_with_examples(morning):
    assert "rows_added" not in partition_metadata(morning.first, "daily_bars", FRI), "nothing was there before"
    changed = partition_metadata(morning.second, "daily_bars", FRI)
    assert {name: changed[name] for name in ("rows_added", "rows_removed", "rows_altered")} == {
        "rows_added": 1,
        "rows_removed": 1,
        "rows_altered": 1,
    }
    examples = [dict(record.data) for record in changed["changed_rows"]]
    assert [(one["ticker"], one["change"], one["column"], one["before"], one["after"]) for one in examples] == [
        ("AAPL", "removed", None, None, None),
        ("IBM", "altered", "close", "12.0", "12.5"),
        ("NEW", "added", None, None, None),
    ]


def test_the_morning_is_a_warning_in_the_run(morning):
    warning = "1 of 1 sessions have no flat file yet, the bars are the morning edition: 2024-01-05."
    assert warning in warnings(morning.dagster, morning.first)
    assert warnings(morning.dagster, morning.second) == []


def test_a_range_takes_each_session_in_the_edition_there_is(home, api, dagster):
    run(home, [THU, FRI], instance=dagster, only=TO_BARS)
    assert in_force(home) == {THU: False, FRI: True}
    assert api.paths() == [f"/v2/aggs/grouped/locale/us/market/stocks/{FRI}"]


def test_without_a_key_a_session_without_a_file_is_not_published(vendor, dagster):
    vendor.lay(THU, row(THU, "AAPL"))
    with pytest.raises(NotPublished, match=r"1 of 2 sessions have no file .* CANDLELAKE_REST_KEY"):
        run(vendor.settings(), [THU, FRI], instance=dagster)
    assert not (vendor.settings().lake / "raw").exists()


def test_a_late_flat_file_still_replaces_the_morning_s(home, vendor, api, dagster):
    run(home, [FRI], instance=dagster, only=TO_BARS)
    run(home, [FRI], instance=dagster, only=TO_BARS)
    assert in_force(home) == {FRI: True}
    assert len(RawFiles(home.lake).versions(REST, FRI)) == 1, "the answer was the same"
    vendor.lay(FRI, row(FRI, "AAPL", "10.5"))
    run(home, [FRI], instance=dagster, only=TO_BARS)
    assert in_force(home) == {FRI: False}
    assert closes(home) == {"AAPL": 10.5}


@pytest.mark.thorough
def test_no_answer_is_requested_once_the_flat_file_is_in(home, vendor, api, dagster):
    vendor.lay(FRI, row(FRI, "AAPL"))
    run(home, [FRI], instance=dagster, only=TO_BARS)
    vendor.path(FRI).unlink()
    result = run(home, [FRI], instance=dagster, only=TO_BARS)
    assert result.success
    assert api.requests == []
    assert in_force(home) == {FRI: False}


@pytest.mark.thorough
def test_a_corrected_answer_replaces_the_one_before_it(home, api, dagster):
    run(home, [FRI], instance=dagster, only=TO_BARS)
    api.days[FRI]["AAPL"] = bar(10.25)
    result = run(home, [FRI], instance=dagster, only=TO_BARS)
    assert closes(home)["AAPL"] == 10.25
    assert partition_metadata(result, "daily_bars", FRI)["rows_altered"] == 1
    fates = rows(home, DELIVERIES).sort("last_modified").select("is_current", "provisional").rows()
    assert fates == [(False, True), (True, True)]
    assert len(RawFiles(home.lake).versions(REST, FRI)) == 2


@pytest.mark.thorough
def test_a_settled_answer_is_not_requested_again(home, api, dagster):
    for day in (10, 11, 12, 20):
        with time_machine.travel(datetime(2024, 1, day, 6, tzinfo=UTC)):
            api.days[FRI]["AAPL"] = bar(day)
            run(home, [FRI], instance=dagster, only=TO_BARS)
    assert len(api.requests) == 3
    assert closes(home)["AAPL"] == 12.0, "a week old"


FAULTS = {
    "a page": (say("<html>Log in</html>"), "not JSON"),
    "an error": (say_json({"status": "ERROR", "error": "broken"}), "status is ERROR: broken"),
    "lost rows": (say_json({"status": "OK", "resultsCount": 9, "results": []}), "0 rows, but its resultsCount is 9"),
    "no bars": (say_json({"status": "OK", "resultsCount": 0}), "no bar of 2024-01-05 (yet)"),
    "no plan": (say_json({"status": "NOT_AUTHORIZED", "message": "Upgrade"}, 403), "Upgrade"),
}


@pytest.mark.parametrize("what", first_quick(FAULTS))
def test_an_answer_that_cannot_be_trusted_changes_nothing(home, api, dagster, what):
    fault, words = FAULTS[what]
    api.faults = [fault] * 10
    result = run(home, [FRI], instance=dagster, raises=False)
    assert not result.success
    assert words in failure_of(result)
    assert Lake(home.lake).tables() == []
    assert not (home.lake / "raw").exists()


def test_a_refused_answer_leaves_the_one_in_force(home, api, dagster):
    run(home, [FRI], instance=dagster, only=TO_BARS)
    before = closes(home)
    api.faults = [say_json({"status": "OK", "resultsCount": 0})]
    assert not run(home, [FRI], instance=dagster, raises=False).success
    assert len(RawFiles(home.lake).versions(REST, FRI)) == 1
    assert closes(home) == before


def contract_before_editions():
    counts = ["rows_read", "kept", "duplicates", "quarantined"]
    narrow = DELIVERIES.schema.remove_columns(["provisional"])
    return replace(DELIVERIES, schema=narrow.update_columns({name: {"nullable": False} for name in counts}))


@pytest.mark.thorough
def test_a_lake_from_before_there_were_editions_takes_both(home, vendor, api, dagster):
    run(home, [THU], instance=dagster, only=TO_BARS)
    lake = Lake(home.lake)
    written = rows(home, DELIVERIES)
    rmtree(home.lake / "stocks" / "deliveries")
    lake.replace(contract_before_editions(), [THU], [written], run_id="old")
    assert not any(field.nullable for field in lake.open(DELIVERIES).schema().fields)

    run(home, [FRI], instance=dagster, only=TO_BARS)
    assert in_force(home) == {THU: None, FRI: True}
    for close in ("10", "11"):
        vendor.lay(FRI, row(FRI, "AAPL", close))
        run(home, [FRI], instance=dagster, only=["raw_day_aggs"])
    run(home, [THU, FRI], instance=dagster, only=TO_BARS)
    fates = rows(home, DELIVERIES).sort("session", "is_current", "provisional").select("provisional", "kept").rows()
    assert fates == [(False, 1), (False, None), (True, 5), (False, 1)]
    compact(lake, DELIVERIES, run_id="compaction")
    assert rows(home, DELIVERIES)["kept"].null_count() == 1
