"""After the vendor's word changed, `restate` leaves nothing in the lake that rests on the old one."""

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from assets_tests.assets.reference_runs import dividend, renamed, security, split
from assets_tests.assets.test_restated import refresh
from assets_tests.dagster_runs import QUIET, instance, rows, run, span_tags
from assets_tests.stocks import INDICATORS_TABLE, STOCKS
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES, SESSION_SCORES
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.definitions import build_definitions
from pipeline.lake.lake import Lake
from pipeline.market.portfolio.book import Opening, with_openings
from pipeline.orchestration.reruns import reruns
from pipeline.queries.outdated import outdated_sessions
from pipeline.queries.outdated_pages import outdated_pages
from pipeline.queries.portfolio import record
from pipeline.queries.report_rows import ReportRows
from pipeline.queries.report_tables import ReportTables
from pipeline.reports.folder import ReportsFolder
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(date(2024, 1, 29), date(2024, 2, 9))
ENDED, RENAMED, SPLIT_ON, EX_DATE = 3, 6, 4, 5
"""NEW is a fund until ENDED; the company OLD is called NEW from RENAMED on. PAYS splits and pays a dividend."""

TABLES = (INDICATORS_TABLE, CANDIDATES, POSITION_MARKS, SIGNALS, CANDIDATE_OUTCOMES, SESSION_SCORES)

OLD_WORD = {"tickers": [security(name) for name in ("PLAIN", "PAYS", "OLD", "NEW")]}
NEW_WORD = {
    "tickers": [
        security("PLAIN"),
        security("PAYS"),
        security("NEW", composite_figi="F-OLD"),
        security("NEW", active=False, delisted_utc=f"{SESSIONS[ENDED]}T05:00:00Z"),
    ],
    "splits": [split("PAYS", execution_date=str(SESSIONS[SPLIT_ON]))],
    "dividends": [dividend("PAYS", ex_dividend_date=str(SESSIONS[EX_DATE]))],
    "ticker_events": [renamed("F-OLD", OLD=str(SESSIONS[0]), NEW=str(SESSIONS[RENAMED]))],
}


def tell(vendor, answers):
    folder = vendor.files / "rest"
    folder.mkdir(exist_ok=True)
    for name in ("tickers", "splits", "dividends", "ticker_events"):
        if name in answers or name != "ticker_events":
            (folder / f"{name}.json").write_text(json.dumps({"status": "OK", "results": answers.get(name, [])}))


def lay_down(vendor):
    for number, session in enumerate(SESSIONS):
        closes = {"PLAIN": 30 + number, "PAYS": (40 + number) / (2 if number >= SPLIT_ON else 1)}
        if number < ENDED:
            closes["NEW"] = 10 + number / 10
        closes["NEW" if number >= RENAMED else "OLD"] = 300 + 5 * number
        lines = [
            row(session, ticker, str(close), open=str(close), high=str(close * 1.01), low=str(close * 0.99))
            for ticker, close in closes.items()
        ]
        vendor.lay(session, *lines)


def buy(settings):
    openings = [
        Opening(name, 10, price, SESSIONS[0], stop=stop)
        for name, price, stop in (("NEW", 10, 9), ("OLD", 300, 290), ("PAYS", 40, 30))
    ]
    at = datetime(2024, 2, 1, tzinfo=UTC)
    record(Lake(settings.lake), lambda known: with_openings(known, openings, at), run_id="test")


def computed(settings, dagster):
    run(settings, SESSIONS, instance=dagster)
    run(settings, SESSIONS, instance=dagster, job_name="outcomes")


def due(settings):
    lake = Lake(settings.lake)
    outdated = outdated_sessions(lake, STOCKS)
    return outdated, outdated_pages(lake, STOCKS, outdated, ReportsFolder(settings.reports))


def restate(settings, dagster):
    for one in reruns(STOCKS, *due(settings)):
        build_definitions(settings).resolve_job_def(one.job).execute_in_process(
            instance=dagster,
            run_config=QUIET | {"ops": one.ops},
            tags=span_tags([one.first, one.last]),
            asset_selection=one.assets,
        )


@pytest.fixture
def vendor(tmp_path):
    folder = VendorFolder(tmp_path)
    lay_down(folder)
    return folder


@pytest.mark.thorough
def test_after_late_splits_dividends_and_renames_every_table_is_as_if_they_had_been_known(vendor):
    late, early = vendor.settings("late"), vendor.settings("early")
    with instance() as dagster:
        tell(vendor, OLD_WORD)
        refresh(late, dagster)
        buy(late)
        computed(late, dagster)
        assert due(late)[0].stretches == []
        assert due(late)[1].pages == ()
        mistaken = rows(late, POSITION_MARKS).filter(session=SESSIONS[-1])
        assert mistaken["value"].to_list() == pytest.approx([3450, 3250, 245])

        tell(vendor, NEW_WORD)
        refresh(late, dagster)
        pages_before = ReportsFolder(late.reports).written_at(SESSIONS[-1])
        found, shown = due(late)
        assert shown.pages == tuple(SESSIONS[-5:])
        assert shown.alert is None
        restate(late, dagster)
        assert due(late)[0].stretches == []
        assert due(late)[1].pages == ()
        assert ReportsFolder(late.reports).written_at(SESSIONS[-1]) > pages_before

        refresh(early, dagster)
        buy(early)
        computed(early, dagster)
    for table in TABLES:
        assert_frame_equal(rows(late, table), rows(early, table), check_exact=True)
    assert_frame_equal(rows(late, POSITION_MARKS).filter(session=SESSIONS[-1]).select(SHOWN), right_marks())
    page = ReportTables(ReportRows(Lake(late.lake), STOCKS, SESSIONS[-1:]), SESSIONS[-1])
    assert page.held() == ["NEW", "PAYS"]
    charted = page.tickers(["NEW"])
    assert charted.history.sort("session")["close"].to_list() == [300 + 5 * number for number in range(len(SESSIONS))]
    assert charted.trades.select("quantity", "price").rows() == [(10, 300)]
    named = found.outdated.filter(table="portfolio.position_marks").select("ticker", "event_date", "cause").rows()
    assert ("PAYS", SESSIONS[SPLIT_ON], "split of 2 for 1 became known") in named
    assert ("PAYS", SESSIONS[EX_DATE], "dividend of 0.5 became known") in named
    assert ("OLD", SESSIONS[RENAMED], "its ticker is NEW from then on") in named
    assert ("NEW", SESSIONS[ENDED], "it is no longer NEW") in named


SHOWN = ("ticker", "quantity", "close", "value", "dividends", "bought_as", "delisted_on")


def right_marks():
    """Return the marks of the last session, worked out by hand."""
    rows = [
        ("NEW", 10.0, 10.2, 102.0, 0.0, None, SESSIONS[ENDED]),
        ("NEW", 10.0, 345.0, 3450.0, 0.0, "OLD", None),
        ("PAYS", 20.0, 24.5, 490.0, 10.0, None, None),
    ]
    types = {name: POSITION_MARKS.columns[name] for name in SHOWN}
    return pl.DataFrame(rows, schema=types, orient="row")


@pytest.mark.thorough
def test_an_ordinary_refresh_leaves_nothing_to_restate(vendor):
    settings = vendor.settings()
    with instance() as dagster:
        tell(vendor, NEW_WORD)
        refresh(settings, dagster)
        buy(settings)
        computed(settings, dagster)
        coming = str(SESSIONS[-1] + timedelta(days=30))
        more = {
            "tickers": [*NEW_WORD["tickers"], security("IPO")],
            "splits": [*NEW_WORD["splits"], split("PLAIN", execution_date=coming)],
            "dividends": [*NEW_WORD["dividends"], dividend("PAYS", ex_dividend_date=coming, id="P2")],
        }
        tell(vendor, NEW_WORD | more)
        refresh(settings, dagster)
    assert due(settings)[0].outdated.rows() == []
