"""The journey of minutes, from the vendor's file to what they say of a session, through the real assets."""

from datetime import UTC, date, datetime

import pytest

from assets_tests.dagster_runs import TO_BARS, failure_of, instance, rows, run
from assets_tests.vendor_day import VendorFolder, row
from assets_tests.vendor_minutes import lay_minutes, minute, run_minutes
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import MINUTE_DELIVERIES
from pipeline.contracts.minutes import INTRADAY_FEATURES, MINUTE_BARS
from pipeline.contracts.quarantine import MINUTE_QUARANTINE
from pipeline.lake.lake import Lake
from pipeline.lake.sql import connect

THU, FRI, MON = date(2024, 1, 4), date(2024, 1, 5), date(2024, 1, 8)
TO_MINUTES = ["raw_minute_aggs", "minute_bars", "minute_quarantine", "minute_deliveries"]
ZERO = ",0,0,0,0,0,0,0"
DEFECTS = [ZERO, ZERO, minute(FRI, "LATE", "20:01"), minute(FRI, "ODD", "09:30:30"), minute(MON, "NEXT", "09:30")]
TICKERS = ["AAPL", "AAp", "NA", "TRUE"]
GOOD = [minute(FRI, ticker, at) for ticker in TICKERS for at in ("04:00", "09:30", "09:31", "15:59", "16:00", "19:59")]


@pytest.fixture(scope="module")
def settings(tmp_path_factory, new_lake):
    """Return the settings of a home with daily bars of two sessions and minutes of the second and third."""
    vendor = VendorFolder(tmp_path_factory.mktemp("minutes"))
    settings = vendor.settings(**new_lake())
    vendor.lay(THU, *(row(THU, ticker, "8") for ticker in TICKERS))
    vendor.lay(FRI, *(row(FRI, ticker, "10") for ticker in TICKERS))
    lay_minutes(vendor, FRI, *GOOD, GOOD[0], *DEFECTS)
    lay_minutes(vendor, MON, *(minute(MON, ticker, "09:30") for ticker in TICKERS))
    with instance() as dagster:
        run(settings, [THU, FRI], instance=dagster, only=TO_BARS)
        result = run_minutes(settings, [FRI, MON], instance=dagster)
        assert result.success
        checks = result.get_asset_check_evaluations()
        assert {check.asset_check_key.name for check in checks} == {"keeps_its_contract", "reconciles"}
        assert all(check.passed for check in checks)
    return settings


def test_rows_read_are_kept_duplicates_and_quarantined(settings):
    (friday, monday) = rows(settings, MINUTE_DELIVERIES).sort("session").iter_rows(named=True)
    counts = "rows_read", "kept", "duplicates", "quarantined"
    assert [friday[name] for name in counts] == [30, 24, 1, 5]
    assert [monday[name] for name in counts] == [4, 4, 0, 0]


def test_rejected_minutes_are_kept_as_written_with_their_reasons(settings):
    rejected = rows(settings, MINUTE_QUARANTINE)
    assert rejected["reasons"].to_list() == [
        ["missing_ticker", "non_positive_price", "wrong_session"],
        ["missing_ticker", "non_positive_price", "wrong_session"],
        ["not_a_minute"],
        ["not_a_minute"],
        ["wrong_session"],
    ]
    assert rejected["ticker"].to_list() == ["", "", "LATE", "ODD", "NEXT"]
    assert rejected["window_start"].to_list()[0] == "0"


def test_an_evening_minute_belongs_to_its_new_york_session_though_its_utc_date_is_the_next_day(settings):
    evening = rows(settings, MINUTE_BARS).filter(ticker="NA", session=FRI)["minute"].max()
    assert evening == datetime(2024, 1, 6, 0, 59, tzinfo=UTC)


def test_minutes_lie_by_session_and_one_run_is_one_commit(settings):
    table = Lake(settings.lake).open(MINUTE_BARS)
    assert table.metadata().partition_columns == ["day"]
    assert table.version() == 1
    assert sorted(uri.split("day=")[1].split("/")[0] for uri in table.file_uris()) == [str(FRI), str(MON)]


@pytest.mark.thorough
def test_sql_shows_minutes_without_the_column_of_their_layout(settings):
    counts = connect(settings.lake).sql("SELECT session, count(*) AS n FROM stocks.minute_bars GROUP BY 1 ORDER BY 1")
    assert counts.rows() == [(FRI, 24), (MON, 4)]
    assert connect(settings.lake).sql("SELECT * FROM stocks.minute_bars").columns == list(MINUTE_BARS.columns)


def test_the_gap_is_taken_from_the_daily_close_of_the_session_before(settings):
    features = rows(settings, INTRADAY_FEATURES).filter(session=FRI)
    assert features["ticker"].to_list() == sorted(TICKERS)
    assert features["premarket_gap"].to_list() == [pytest.approx(10 / 8 - 1)] * 4
    assert features["premarket_volume"].to_list() == [1000.0] * 4


def test_without_an_early_minute_there_is_no_gap(settings):
    assert rows(settings, INTRADAY_FEATURES).filter(session=MON)["premarket_gap"].to_list() == [None] * 4


def test_minutes_leave_the_daily_tables_alone(settings):
    assert len(rows(settings, DAILY_BARS)) == 8


@pytest.fixture
def vendor(tmp_path):
    return VendorFolder(tmp_path)


@pytest.mark.thorough
def test_a_session_worked_again_is_replaced_and_the_others_stay(vendor):
    settings = vendor.settings()
    lay_minutes(vendor, FRI, *GOOD)
    lay_minutes(vendor, MON, minute(MON, "NA", "09:30"))
    with instance() as dagster:
        run_minutes(settings, [FRI, MON], instance=dagster, only=TO_MINUTES)
        lay_minutes(vendor, FRI, minute(FRI, "NA", "09:30", "11"), minute(FRI, "X", "09:30", high="1"))
        assert not run_minutes(settings, [FRI], instance=dagster, only=TO_MINUTES, raises=False).success
        assert len(rows(settings, MINUTE_BARS)) == len(GOOD) + 1
        lay_minutes(vendor, FRI, minute(FRI, "NA", "09:30", "11"))
        run_minutes(settings, [FRI], instance=dagster, only=TO_MINUTES)
    assert rows(settings, MINUTE_BARS).select("session", "close").rows() == [(FRI, 11.0), (MON, 10.0)]
    trail = rows(settings, MINUTE_DELIVERIES)
    assert trail.filter(session=FRI)["is_current"].sum() == 1
    assert len(trail.filter(session=FRI)) == 3


def test_a_session_without_a_file_is_named(vendor):
    lay_minutes(vendor, FRI, *GOOD)
    with instance() as dagster:
        result = run_minutes(vendor.settings(), [FRI, MON], instance=dagster, only=TO_MINUTES, raises=False)
    assert f"1 of 2 sessions have no file in us_stocks_sip/minute_aggs_v1: {MON}." in failure_of(result)


def test_the_daily_job_does_not_request_minutes(vendor):
    vendor.lay(FRI, *(row(FRI, ticker) for ticker in TICKERS))
    with instance() as dagster:
        assert run(vendor.settings(), [FRI], instance=dagster).success
    assert not Lake(vendor.settings().lake).exists(MINUTE_BARS)
