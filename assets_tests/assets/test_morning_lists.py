"""A list before the open: candidates of the morning edition, and who enters, leaves and moves with the flat file."""

import logging
from datetime import UTC, date, datetime
from types import SimpleNamespace

import polars as pl
import pytest
import time_machine
from dagster import AssetKey, DagsterEventType

from assets_tests.dagster_runs import instance, rows, run
from assets_tests.own_models import STRONG, rank_by
from assets_tests.sources.vendor_aggregates import AggregatesApi, bar
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.lake.lake import Lake
from pipeline.orchestration.instance import open_instance
from pipeline.orchestration.runs import run_sessions
from pipeline.progress import Progress
from pipeline.venues.us_stocks import US_STOCKS

pytestmark = pytest.mark.thorough

FRI = date(2024, 1, 5)
LISTS = AssetKey(["stocks", "candidates"])
SESSIONS = US_STOCKS.calendar.between(US_STOCKS.calendar.offset(FRI, -252), FRI)
"""As many as the model needs."""
SLOPES = {"FAST": 0.3, "GONE": 0.25, "MID": 0.2, "SLOW": 0.1}
NEW = "NEW"
"""Trades all along, and is missing in the morning edition."""


def price(ticker, number):
    return 20 + number * SLOPES.get(ticker, 0.15) + (number % 3) * 0.2


def letters(ticker, number, close=None):
    last = close or price(ticker, number)
    return {"open": last, "high": last + 1, "low": last - 1, "close": last, "volume": 1_000_000}


def bars_of(history):
    bars = [
        {"ticker": ticker, "session": session, "transactions": 7} | letters(ticker, number)
        for number, session in enumerate(history)
        for ticker in (*SLOPES, NEW)
    ]
    return pl.DataFrame(bars, schema=DAILY_BARS.columns)


def line(ticker, session, number, close=None):
    return row(session, ticker, **{name: str(value) for name, value in letters(ticker, number, close).items()})


@pytest.fixture(scope="module", autouse=True)
def one_model():
    with pytest.MonkeyPatch.context() as patched:
        rank_by([STRONG], patched)
        yield


@pytest.fixture(scope="module")
def day(tmp_path_factory, module_server):
    """The home in the morning of the day after, and again after noon."""
    level = logging.getLogger("dagster").level
    api = AggregatesApi(module_server)
    vendor = VendorFolder(tmp_path_factory.mktemp("lists"))
    settings = vendor.settings(start=SESSIONS[0], **api.settings)
    history = SESSIONS[:-1]
    vendor.lay(history[-1], line(NEW, history[-1], 1))
    Lake(settings.lake).replace(DAILY_BARS, history, [bars_of(history)], run_id="earlier")
    number = len(history)
    api.days = {FRI: {ticker: letters_of_rest(ticker, number) for ticker in SLOPES}}
    found = SimpleNamespace(settings=settings)
    with instance() as dagster:
        with time_machine.travel(datetime(2024, 1, 6, 5, 15, tzinfo=UTC)):
            found.first = list_metadata(dagster, run(settings, [FRI], instance=dagster).run_id)
        found.morning = lists(settings)
        # One falls by an eighth, one was never traded, one was missing.
        closes = {"FAST": price("FAST", number) * 7 / 8}
        traded = ("FAST", "MID", "SLOW", NEW)
        vendor.lay(FRI, *(line(ticker, FRI, number, closes.get(ticker)) for ticker in traded))
    found.report = run_sessions(settings, [FRI], Progress())
    found.noon = lists(settings)
    found.again = run_sessions(settings, [FRI], Progress())
    # A run as from the command line silences Dagster's log; here it gets its voice back.
    logging.getLogger("dagster").setLevel(level)
    return found


def letters_of_rest(ticker, number):
    names = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
    return bar(**{names[name]: value for name, value in letters(ticker, number).items()})


def lists(settings):
    listed = rows(settings, CANDIDATES)
    return dict(listed.select("ticker", "rank").iter_rows())


def list_metadata(dagster, run_id):
    """Return what the run recorded of the list, as plain values."""
    events = dagster.all_logs(run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION)
    (event,) = [one.asset_materialization for one in events if one.asset_materialization.asset_key == LISTS]
    return {name: getattr(value, "records", value.value) for name, value in event.metadata.items()}


def test_there_is_a_list_before_the_open(day):
    assert set(day.morning) == set(SLOPES)


def test_the_first_list_changes_nothing(day):
    assert not [name for name in day.first if name.startswith("list_")]


def test_the_flat_file_s_list_is_of_the_flat_file_s_bars(day):
    assert set(day.noon) == {"FAST", "MID", "SLOW", NEW}


def test_who_entered_left_and_moved_is_reported_with_both_ranks(day):
    with open_instance(day.settings.home) as dagster:
        changed = list_metadata(dagster, day.report.run_id)
    list_changes = [dict(record.data) for record in changed["list_changes"]]
    found = {one["ticker"]: (one["change"], one["old_rank"], one["new_rank"]) for one in list_changes}
    moved = {
        ticker: ("moved", day.morning[ticker], day.noon[ticker])
        for ticker in day.morning.keys() & day.noon.keys()
        if day.morning[ticker] != day.noon[ticker]
    }
    assert found == moved | {
        "GONE": ("left", day.morning["GONE"], None),
        NEW: ("entered", None, day.noon[NEW]),
    }
    assert changed["list_entered"] >= 1
    assert changed["list_left"] >= 1


def test_the_report_says_in_words_what_changed(day):
    bars, lists_ = day.report.changes
    assert bars == "1 bar altered, 1 added, 1 removed"
    assert "strong: +NEW −GONE" in lists_


def test_a_run_that_changes_nothing_says_nothing(day):
    assert day.again.changes == ()
