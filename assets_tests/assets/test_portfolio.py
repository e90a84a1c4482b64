"""Positions, marked by the daily job: by day as by range, and nothing where nothing is held."""

import shutil
from datetime import UTC, date, datetime

import pytest
from dagster import AssetKey
from polars.testing import assert_frame_equal

from assets_tests.dagster_runs import QUIET, instance, rows, span_tags
from assets_tests.stocks import declare, declaring
from assets_tests.vendor_day import VendorFolder, row
from pipeline.assets.portfolio import marks_of_sessions, signals_of_sessions
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.portfolio import POSITION_MARKS, POSITIONS, SIGNALS
from pipeline.definitions import build_definitions
from pipeline.lake.lake import Lake
from pipeline.market.market import market_of
from pipeline.market.portfolio.book import Opening, Sale, with_openings, with_sale
from pipeline.market.portfolio.sell.rules import STOP_HIT, TARGET_HIT
from pipeline.queries.portfolio import known_splits, portfolio, record
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(date(2024, 1, 30), date(2024, 2, 5))
CLOSES = dict(zip(SESSIONS, ("10", "11", "9", "9", "12"), strict=True))
NOW = datetime(2024, 2, 6, 12, tzinfo=UTC)
TWO_RULES = market_of(US_STOCKS, declaring(rules=(STOP_HIT, TARGET_HIT)))
OWN = [["portfolio", "position_marks"], ["portfolio", "signals"]]


@pytest.fixture(autouse=True)
def two_rules(monkeypatch):
    """Give signals by the rules of stop and target only."""
    declare(monkeypatch, declaring(rules=(STOP_HIT, TARGET_HIT)))


def run(settings, sessions, *, only=None):
    """Run the daily job, or only the assets of the portfolio."""
    job = build_definitions(settings).resolve_job_def("stocks_by_day")
    one = len(sessions) == 1
    partitions = {"partition_key": str(sessions[0])} if one else {"tags": span_tags(sessions)}
    selection = {"asset_selection": [AssetKey(key) for key in only]} if only else {}
    with instance() as dagster:
        return job.execute_in_process(instance=dagster, run_config=QUIET, **partitions, **selection)


@pytest.fixture(scope="module")
def vendor(tmp_path_factory):
    folder = VendorFolder(tmp_path_factory.mktemp("portfolio"))
    for session, close in CLOSES.items():
        tickers = ["AAP", "AAp"] if session != SESSIONS[3] else ["AAp"]
        folder.lay(session, *(row(session, ticker, close) for ticker in tickers))
    run(folder.settings(), SESSIONS)
    return folder


@pytest.fixture(scope="module", autouse=True)
def untraded(vendor, tmp_path_factory):
    """Keep the home as it was before any test traded in it."""
    return shutil.copytree(vendor.settings().lake, tmp_path_factory.mktemp("untraded") / "lake")


def copied(vendor, untraded, name):
    """Return the settings of a copy of the home in which nothing was traded."""
    settings = vendor.settings(name)
    shutil.copytree(untraded, settings.lake)
    return settings


def trade(settings):
    """Buy three lots: one is sold in part, and one never trades. Return the lake."""
    lake = Lake(settings.lake)
    openings = [
        Opening("AAP", 10.0, 10.0, SESSIONS[0], stop=9.5, commission=1.0),
        Opening("AAp", 4.0, 11.0, SESSIONS[1], target=11.5),
        Opening("GONE", 1.0, 5.0, SESSIONS[1]),
    ]
    record(lake, lambda known: with_openings(known, openings, NOW), run_id="test")
    sale = Sale("AAP", 9.0, SESSIONS[2], quantity=4.0)
    record(lake, lambda known: with_sale(known, known_splits(lake), sale, NOW), run_id="test")
    return lake


def test_a_day_on_which_nothing_is_held_has_no_row_and_reads_no_bar(vendor):
    settings = vendor.settings()
    for table in (POSITION_MARKS, SIGNALS):
        assert rows(settings, table).is_empty()
        (commit, *_) = Lake(settings.lake).history(f"portfolio/{table.name}").to_dicts()
        assert commit["read"] == [{"table": POSITIONS.sql_name, "version": None}]


@pytest.mark.thorough
def test_marks_and_signals_by_day_in_any_order_are_those_of_the_range(vendor):
    settings = vendor.settings()
    lake = trade(settings)
    result = run(settings, SESSIONS, only=OWN)
    together = [rows(settings, table) for table in (POSITION_MARKS, SIGNALS)]
    assert {check.check_name for check in result.get_asset_check_evaluations() if check.passed} == {
        "keeps_its_contract"
    }
    for session in reversed(SESSIONS):
        run(settings, [session], only=OWN)
    one_by_one = [rows(settings, table) for table in (POSITION_MARKS, SIGNALS)]
    for found, expected in zip(one_by_one, together, strict=True):
        assert_frame_equal(found, expected, check_exact=True)
    marks, signals = together
    assert len(marks) == 5 + 3 + 4 + 4
    assert set(signals["rule"]) == {"stop_hit", "target_hit"}
    newest = lake.history("portfolio/signals").row(0, named=True)
    assert {"table": DAILY_BARS.sql_name, "version": lake.version(DAILY_BARS)} in newest["read"]


def test_each_session_has_the_value_held_then_and_the_newest_shows_its_signals(vendor, untraded):
    settings = copied(vendor, untraded, "marks")
    lake = trade(settings)
    found = portfolio(lake, TWO_RULES, SESSIONS)
    marks = marks_of_sessions(found)
    assert marks[SESSIONS[0]] == {"value": 100.0, "profit": -1.0, "without_bar": 0}
    assert marks[SESSIONS[3]] == {"value": 6 * 9 + 4 * 9 + 5, "profit": pytest.approx(-6 - 0.6 - 8), "without_bar": 2}
    signals = signals_of_sessions(found)
    assert "signals" not in signals[SESSIONS[1]]
    records = [dict(one.data) for one in signals[SESSIONS[-1]]["signals"].records]
    assert [(one["ticker"], one["rule"]) for one in records] == [("AAP", "stop_hit"), ("AAp", "target_hit")]
    assert records[0]["reasons"].startswith("Fell to 5.00; the stop is 9.50")


def test_numbers_of_a_session_reach_its_materialization(vendor, untraded):
    settings = copied(vendor, untraded, "materialized")
    trade(settings)
    result = run(settings, SESSIONS[:1], only=OWN)
    (made,) = [one for one in result.get_asset_materialization_events() if one.asset_key == AssetKey(OWN[0])]
    metadata = made.materialization.metadata
    assert (metadata["rows_written"].value, metadata["value"].value) == (2, 100.0)
