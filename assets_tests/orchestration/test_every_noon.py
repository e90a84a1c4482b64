"""The schedule of outcomes: when it requests a run, and over which sessions."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from dagster import RunRequest, SkipReason, build_schedule_context

from assets_tests.dagster_runs import QUIET, instance
from assets_tests.examples import first_quick
from assets_tests.stock_graph import SCHEDULES
from assets_tests.stocks import INDICATORS_TABLE
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.definitions import build_definitions
from pipeline.lake.lake import Lake
from pipeline.settings import Settings
from pipeline.venues.us_stocks import US_STOCKS

every_noon = SCHEDULES["every_noon"]

NEW_YORK = ZoneInfo("America/New_York")
SESSIONS = US_STOCKS.calendar.between(date(2024, 1, 2), date(2024, 5, 31))
NEWEST = SESSIONS[-1]

CANDIDATE = {
    "model": "trend",
    "model_version": 1,
    "rank": 1,
    "ticker": "A",
    "score": 0.0,
    "close": 10.0,
    "contributions": [],
    "reasons": ["Calm."],
    "scanned": 1,
    "passed": 1,
}


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


def list_on(settings, *sessions):
    rows = pl.DataFrame([CANDIDATE | {"session": session} for session in sessions], schema=CANDIDATES.columns)
    Lake(settings.lake).replace(CANDIDATES, sessions, [rows], run_id="earlier")


def noon_after(session):
    return datetime.combine(session + timedelta(days=1), time(12, 15), NEW_YORK)


def tick(settings, moment=None):
    context = build_schedule_context(scheduled_execution_time=moment or noon_after(NEWEST))
    return every_noon(context, lake=Lake(settings.lake), settings=settings)


def span(request):
    assert isinstance(request, RunRequest)
    return tuple(date.fromisoformat(day) for _, day in sorted(request.tags.items(), reverse=True))


def test_it_ticks_a_quarter_past_twelve_in_new_york():
    assert (every_noon.cron_schedule, every_noon.execution_timezone) == ("15 12 * * *", "America/New_York")
    assert every_noon.job_name == "outcomes"


def test_it_requests_the_new_session_and_the_sixty_before_it_whose_horizons_end_there(settings):
    list_on(settings, *SESSIONS)
    assert span(tick(settings)) == (SESSIONS[-61], NEWEST)


def test_it_requests_no_session_before_the_first_list(settings):
    list_on(settings, SESSIONS[-3], SESSIONS[-1])
    assert span(tick(settings)) == (SESSIONS[-3], NEWEST)


def test_it_requests_no_session_before_the_start_of_the_tables(tmp_path):
    settings = Settings(home=tmp_path, start=SESSIONS[-5])
    list_on(settings, *SESSIONS)
    assert span(tick(settings)) == (SESSIONS[-5], NEWEST)


@pytest.mark.parametrize("days", [1, 2, 3])
def test_after_a_day_off_there_is_nothing_to_do(settings, days):
    list_on(settings, *SESSIONS)
    friday = date(2024, 5, 24)  # before Memorial Day
    answer = tick(settings, noon_after(friday + timedelta(days=days)))
    assert isinstance(answer, SkipReason)


def test_after_the_end_of_a_complete_history_there_is_nothing_to_do(tmp_path):
    settings = Settings(home=tmp_path, end=SESSIONS[-2])
    list_on(settings, *SESSIONS[:-1])
    assert isinstance(tick(settings), SkipReason)
    assert span(tick(settings, noon_after(SESSIONS[-2]))) == (SESSIONS[-62], SESSIONS[-2])


def test_before_the_first_list_there_is_nothing_to_do(settings):
    answer = tick(settings)
    assert isinstance(answer, SkipReason)
    assert "no list" in answer.skip_message


@pytest.mark.parametrize("lists", first_quick([1, 3]))
def test_its_request_is_one_run_over_all_of_the_sessions(settings, lists):
    sessions = SESSIONS[-lists:]
    bar = dict.fromkeys(("open", "high", "low", "close", "volume"), 10.0) | {"transactions": 1}
    bars = pl.DataFrame([bar | {"ticker": "A", "session": session} for session in sessions], schema=DAILY_BARS.columns)
    fixed = {"candle_high": 1.0, "candle_low": 1.0, "candle_mid": 1.0, "candle_color": 0, "td_setup": 0, "bars": 1}
    indicators = bars.select("ticker", "session").with_columns(
        pl.lit(fixed.get(name), dtype).alias(name)
        for name, dtype in INDICATORS_TABLE.columns.items()
        if name not in ("ticker", "session")
    )
    lake = Lake(settings.lake)
    lake.replace(DAILY_BARS, sessions, [bars], run_id="earlier")
    lake.replace(INDICATORS_TABLE, sessions, [indicators], run_id="earlier")
    list_on(settings, *sessions)
    job = build_definitions(settings).resolve_job_def("outcomes")
    with instance() as dagster:
        result = job.execute_in_process(instance=dagster, run_config=QUIET, tags=tick(settings).tags)
    assert result.success
    events = [
        event for event in result.get_asset_materialization_events() if event.asset_key.path[-1] == "session_scores"
    ]
    assert [event.partition for event in events] == [str(session) for session in sessions]
