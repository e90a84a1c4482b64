"""Checks pass on good data and fail on bad; here the bad gets into the tables behind the assets' back."""

import shutil
from datetime import UTC, date, datetime

import pytest
import time_machine
from dagster import (
    AssetCheckKey,
    AssetKey,
    AssetSelection,
    Definitions,
    ExecuteInProcessResult,
    define_asset_job,
    in_process_executor,
)
from deltalake import DeltaTable

from assets_tests.dagster_runs import QUIET, instance, run, span_tags
from assets_tests.stocks import INDICATORS_TABLE, TABLES
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.definitions import build_definitions
from pipeline.lake.lake import Lake
from pipeline.orchestration.table_metadata import asset_key
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(date(2023, 12, 27), date(2024, 1, 5))
THU, FRI = SESSIONS[-2:]
TICKERS = ["AAP", "AAp", "NA", "TRUE", "1E5", "IBM", "KO", "F", "T", "X"]
NOON_OF_MONDAY = datetime(2024, 1, 8, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Settings of a home whose tables are all as they should be."""
    vendor = VendorFolder(tmp_path_factory.mktemp("checks"))
    for session in SESSIONS:
        vendor.lay(session, *(row(session, ticker) for ticker in TICKERS), row(session, "BAD", high="1"))
    with instance() as dagster:
        run(vendor.settings(), SESSIONS, instance=dagster)
    return vendor.settings()


@pytest.fixture
def home(good, tmp_path):
    """A copy of that home for one test to spoil."""
    shutil.copytree(good.home, tmp_path / "home")
    return good.model_copy(update={"home": tmp_path / "home"})


def spoil(home, table, where, **values):
    """Change stored rows past every contract."""
    DeltaTable(Lake(home.lake).uri(table)).update(updates=values, predicate=where)


def remove(home, table, where):
    DeltaTable(Lake(home.lake).uri(table)).delete(where)


def execute(home, selection, **options) -> ExecuteInProcessResult:
    job = define_asset_job("chosen", selection=selection, executor_def=in_process_executor)
    definitions = Definitions.merge(build_definitions(home), Definitions(jobs=[job]))
    with instance() as dagster:
        return definitions.resolve_job_def("chosen").execute_in_process(
            instance=dagster, run_config=QUIET, raise_on_error=False, **options
        )


def check(table, name):
    return AssetCheckKey(AssetKey(["stocks", table.name]), name)


def evaluate(home, table, name, **options):
    """Run one check by itself, and return what it found."""
    result = execute(home, AssetSelection.checks(check(table, name)), **options)
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation


def numbers(evaluation):
    return {name: value.value for name, value in evaluation.metadata.items()}


def test_every_check_passes_on_good_data(good):
    with time_machine.travel(NOON_OF_MONDAY, tick=False):
        result = execute(good, AssetSelection.checks_for_assets(*(asset_key(table) for table in TABLES)))
    evaluations = result.get_asset_check_evaluations()
    assert {(one.asset_key.path[-1], one.check_name) for one in evaluations if not one.passed} == set()
    assert len(evaluations) == len(TABLES) + 5


SPOILS = {
    "a price of zero": (DAILY_BARS, f"ticker = 'KO' AND session = '{FRI}'", {"low": "0.0"}),
    "a close above the high": (DAILY_BARS, f"ticker = 'KO' AND session = '{FRI}'", {"close": "21.0"}),
    "a key that repeats": (DAILY_BARS, f"ticker = 'KO' AND session = '{FRI}'", {"ticker": "'IBM'"}),
    "an unknown reason": (QUARANTINE, f"session = '{FRI}'", {"reasons": "make_array('bad_mood')"}),
    "counts that do not add up": (DELIVERIES, f"session = '{FRI}'", {"rows_read": "99"}),
    "a number that is none": (INDICATORS_TABLE, f"session = '{FRI}'", {"candle_mid": "CAST('NaN' AS DOUBLE)"}),
}


@pytest.mark.parametrize("what", SPOILS)
def test_a_row_that_breaks_its_contract_is_found(home, what):
    table, where, values = SPOILS[what]
    spoil(home, table, where, **values)
    found = evaluate(home, table, "keeps_its_contract")
    assert not found.passed
    assert "break its contract" in numbers(found)["broken"]


def test_a_check_run_by_itself_looks_at_the_newest_session(home):
    spoil(home, DAILY_BARS, f"ticker = 'KO' AND session = '{THU}'", low="0.0")
    found = evaluate(home, DAILY_BARS, "keeps_its_contract")
    assert found.passed
    assert numbers(found) == {"rows": len(TICKERS), "sessions": 1}


def test_a_check_in_a_range_looks_at_all_of_it(home):
    spoil(home, DAILY_BARS, f"ticker = 'KO' AND session = '{THU}'", low="0.0")
    assert not evaluate(home, DAILY_BARS, "keeps_its_contract", tags=span_tags(SESSIONS)).passed


@pytest.mark.parametrize("table", [DAILY_BARS, QUARANTINE])
def test_lost_rows_do_not_reconcile(home, table):
    remove(home, table, f"session = '{FRI}' AND ticker IN ('KO', 'BAD')")
    found = evaluate(home, DELIVERIES, "reconciles")
    assert not found.passed
    assert numbers(found)["differing"] == 1


def test_a_file_that_lacks_half_of_the_market_is_found(home):
    tickers = ", ".join(f"'{ticker}'" for ticker in TICKERS[:5])
    remove(home, DAILY_BARS, f"session = '{FRI}' AND ticker IN ({tickers})")
    found = evaluate(home, DAILY_BARS, "covers_the_market")
    assert not found.passed
    assert numbers(found)["least_coverage"] == 0.5


def test_a_file_that_lacks_a_few_tickers_is_none_of_the_check_s_business(home):
    remove(home, DAILY_BARS, f"session = '{FRI}' AND ticker IN ('KO', 'F')")
    found = evaluate(home, DAILY_BARS, "covers_the_market")
    assert found.passed
    assert numbers(found)["least_coverage"] == 0.8


def test_a_half_missing_file_in_the_middle_of_a_range_is_found(home):
    tickers = ", ".join(f"'{ticker}'" for ticker in TICKERS[:5])
    remove(home, DAILY_BARS, f"session = '{SESSIONS[3]}' AND ticker IN ({tickers})")
    assert not evaluate(home, DAILY_BARS, "covers_the_market", tags=span_tags(SESSIONS)).passed


@pytest.mark.parametrize(
    ("now", "fresh"),
    [
        (datetime(2024, 1, 8, 17, tzinfo=UTC), True),  # Monday noon: Friday is the latest
        (datetime(2024, 1, 9, 16, 29, tzinfo=UTC), True),  # Tuesday, a minute before Monday's file is due
        (datetime(2024, 1, 9, 16, 30, tzinfo=UTC), False),
    ],
)
def test_a_lake_is_stale_from_the_moment_the_next_file_is_due(good, now, fresh):
    with time_machine.travel(now, tick=False):
        found = evaluate(good, DAILY_BARS, "has_the_latest_session")
    assert found.passed == fresh
    assert numbers(found)["newest"] == str(FRI)


def test_a_holiday_is_no_gap(home):
    remove(home, DAILY_BARS, "session > '2023-12-29'")
    with time_machine.travel(datetime(2024, 1, 2, 22, tzinfo=UTC), tick=False):
        assert evaluate(home, DAILY_BARS, "has_the_latest_session").passed


def test_a_complete_history_is_never_stale(good):
    complete = good.model_copy(update={"end": FRI})
    with time_machine.travel(datetime(2030, 7, 4, 22, tzinfo=UTC), tick=False):
        assert evaluate(complete, DAILY_BARS, "has_the_latest_session").passed


def test_a_table_that_fails_its_contract_stops_what_comes_after_it(home):
    spoil(home, DAILY_BARS, f"ticker = 'KO' AND session = '{FRI}'", low="0.0")
    chosen = (
        AssetSelection.checks(check(DAILY_BARS, "keeps_its_contract"))
        | AssetSelection.assets(["stocks", "indicators"]).without_checks()
    )
    result = execute(home, chosen, partition_key=str(FRI))
    assert not result.success
    assert result.get_asset_materialization_events() == []


def test_a_thin_market_is_reported_but_stops_nothing(home):
    remove(home, DAILY_BARS, f"session = '{FRI}' AND ticker IN ('KO', 'F', 'T', 'X')")
    chosen = (
        AssetSelection.checks(check(DAILY_BARS, "covers_the_market"))
        | AssetSelection.assets(["stocks", "indicators"]).without_checks()
    )
    result = execute(home, chosen, partition_key=str(FRI))
    assert [one.passed for one in result.get_asset_check_evaluations()] == [False]
    assert [event.asset_key.path[-1] for event in result.get_asset_materialization_events()] == ["indicators"]
