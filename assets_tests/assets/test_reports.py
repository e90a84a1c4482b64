"""The pages that a run writes: their sessions, rows and basis."""

import json
import re
import shutil
from datetime import UTC, datetime

import polars as pl
import pytest

from assets_tests.dagster_runs import QUIET, instance, run
from assets_tests.stocks import INDICATORS_TABLE, STOCKS
from assets_tests.vendor_day import VendorFolder, row
from pipeline.assets.reports import MOST_SESSIONS, document_path, report_keys
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.portfolio import POSITIONS
from pipeline.contracts.reference import SPLITS
from pipeline.definitions import build_definitions
from pipeline.lake.lake import Lake
from pipeline.market.portfolio.book import Opening, Sale, with_openings, with_sale
from pipeline.market.securities.reference import applicable_splits
from pipeline.queries.portfolio import record
from pipeline.queries.report_rows import ReportRows
from pipeline.queries.report_tables import ReportTables
from pipeline.reports.folder import ReportsFolder
from pipeline.reports.notices import SPLITS_UNKNOWN
from pipeline.reports.ticker_page import CHARTED, ticker_page
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(datetime(2024, 1, 29, tzinfo=UTC).date(), datetime(2024, 2, 6, tzinfo=UTC).date())
SPLIT_ON, LAST = SESSIONS[3], SESSIONS[-1]
NOW = datetime(2024, 2, 7, tzinfo=UTC)


def tell(vendor, **answers):
    folder = vendor.files / "rest"
    folder.mkdir()
    for name in ("splits", "dividends", "tickers"):
        (folder / f"{name}.json").write_text(json.dumps({"status": "OK", "results": answers.get(name, [])}))


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Return the settings of a home where a ticker that splits 2:1 was bought, partly sold, and halted at last."""
    vendor = VendorFolder(tmp_path_factory.mktemp("reports"))
    for session in SESSIONS:
        close = 15 if session >= SPLIT_ON else 30
        lines = [row(session, "PLAIN", "50", open="50", high="51", low="49")]
        if session != LAST:
            lines.append(row(session, "SPLIT", str(close), open=str(close), high=str(close + 1), low=str(close - 1)))
        vendor.lay(session, *lines)
    split = {"ticker": "SPLIT", "execution_date": str(SPLIT_ON), "split_from": 1, "split_to": 2, "id": "S1"}
    security = {"ticker": "SPLIT", "name": "<script>alert(1)</script>", "type": "CS", "active": True}
    tell(vendor, splits=[split], tickers=[security | {"market": "stocks", "locale": "us"}])
    settings = vendor.settings()
    lake = Lake(settings.lake)
    with instance() as dagster:
        job = build_definitions(settings).resolve_job_def("reference_data")
        job.execute_in_process(instance=dagster, run_config=QUIET)
        splits = applicable_splits(lake.scan(SPLITS).collect())
        opening = Opening("SPLIT", 10, 30.0, SESSIONS[1])
        record(lake, lambda known: with_openings(known, [opening], NOW), run_id="r")
        sale = Sale("SPLIT", 15.0, SESSIONS[4], quantity=6)
        record(lake, lambda known: with_sale(known, splits, sale, NOW), run_id="r")
        result = run(settings, SESSIONS, instance=dagster)
        materialized = [
            event.step_materialization_data.materialization
            for event in result.get_asset_materialization_events()
            if event.asset_key == report_keys(STOCKS)[0]
        ]
    links = {one.partition: one.metadata.get("page") for one in materialized}
    assert {day for day, link in links.items() if link} == {str(session) for session in SESSIONS[-MOST_SESSIONS:]}
    assert links[str(LAST)].url == f"{settings.reports_address}/{LAST}/index.html"
    return settings


def page(settings, session=LAST, ticker=None):
    folder = ReportsFolder(settings.reports)
    return (folder.ticker_path(session, ticker) if ticker else folder.candidates_path(session)).read_text()


def test_the_newest_sessions_of_a_run_have_pages_and_an_index(settings):
    folder = ReportsFolder(settings.reports)
    assert folder.sessions() == SESSIONS[-MOST_SESSIONS:]
    index = (settings.reports / "index.html").read_text()
    assert all(f"{session}/index.html" in index for session in SESSIONS[-MOST_SESSIONS:])


def test_each_page_is_there_as_one_file_to_send_too(settings):
    text = document_path(settings.reports, LAST).read_text()
    assert "<style" in text
    assert not re.search(r'(?:src|href)="(?!#|data:)', text)


def test_a_held_ticker_has_a_page_also_when_it_has_no_bar(settings):
    assert f"No bar on {LAST}" in page(settings, ticker="SPLIT")


def test_bars_before_a_split_stand_on_the_basis_of_the_page(settings):
    tables = ReportTables(ReportRows(Lake(settings.lake), STOCKS, [LAST]), LAST).tickers(["SPLIT"])
    history = tables.history.sort("session")
    assert history["close"].to_list() == [15.0] * (len(SESSIONS) - 1)
    assert history["volume"].to_list() == [2000.0] * 3 + [1000.0] * (len(SESSIONS) - 4)
    assert tables.basis == f"USD, adjusted for splits to {LAST}"


def test_indicators_before_a_split_stand_on_the_basis_of_the_page(settings):
    lake = Lake(settings.lake)
    stored = lake.scan(INDICATORS_TABLE).filter(pl.col("ticker") == "SPLIT").sort("session").collect()
    assert stored["candle_mid"].to_list() == [30.0] * 3 + [15.0] * (len(SESSIONS) - 4)
    assert ReportTables(ReportRows(lake, STOCKS, [LAST]), LAST)._on_basis(stored)["candle_mid"].to_list() == [15.0] * (
        len(SESSIONS) - 1
    )


def test_purchases_and_sales_stand_on_the_basis_of_the_page(settings):
    trades = (
        ReportTables(ReportRows(Lake(settings.lake), STOCKS, [LAST]), LAST)
        .tickers(["SPLIT"])
        .trades.sort("session", "quantity")
    )
    rows = trades.select("session", "side", "quantity", "price").rows()
    # Ten shares at 30 are twenty at 15, six of which were sold after the split.
    assert rows == [
        (SESSIONS[1], "entry", 6.0, 15.0),
        (SESSIONS[1], "entry", 14.0, 15.0),
        (SESSIONS[4], "exit", 6.0, 15.0),
    ]


def test_before_the_split_the_page_shows_what_was_traded_then(settings):
    before = SESSIONS[2]
    tables = ReportTables(ReportRows(Lake(settings.lake), STOCKS, [before]), before).tickers(["SPLIT"])
    assert tables.history["close"].to_list() == [30.0] * 3
    assert tables.trades["quantity"].sum() == pytest.approx(10)


@pytest.mark.thorough
def test_a_session_among_several_shows_what_it_shows_alone(settings):
    lake = Lake(settings.lake)
    together = ReportRows(lake, STOCKS, SESSIONS)
    for session in SESSIONS:
        among, alone = (ReportTables(rows, session) for rows in (together, ReportRows(lake, STOCKS, [session])))
        assert among.notices == alone.notices
        assert among.held() == alone.held()
        for frame, wanted in zip(frames(among), frames(alone), strict=True):
            assert frame.equals(wanted)


def frames(tables):
    """Return what the pages of a session are made from, in an order of rows that does not depend on files."""
    candidates, tickers = tables.candidates(), tables.tickers(tables.held())
    last_rows = tickers.history.filter(pl.col("session") == pl.col("session").max().over("ticker"))
    drawn = tickers.history.select("ticker", "session", *CHARTED)
    made = (candidates.listed, candidates.closes, drawn, last_rows, tickers.listed, tickers.splits, tickers.trades)
    return [frame.sort("ticker", *frame.columns[:2], maintain_order=True) for frame in made]


def test_every_table_is_read_once_for_all_sessions_with_pages(settings, monkeypatch):
    read = []
    lake = Lake(settings.lake)
    rows_of = lake._rows
    monkeypatch.setattr(lake, "_rows", lambda opened, table, *rest: read.append(table) or rows_of(opened, table, *rest))
    rows = ReportRows(lake, STOCKS, SESSIONS[-MOST_SESSIONS:])
    frames(ReportTables(rows, LAST))
    once = list(read)
    for session in SESSIONS[-MOST_SESSIONS:]:
        frames(ReportTables(rows, session))
    assert once.count(DAILY_BARS) == 1
    assert read == once


def test_a_split_in_doubt_within_the_time_of_a_holding_is_on_its_page_and_on_that_of_the_candidates(settings, tmp_path):
    lake = Lake(shutil.copytree(settings.lake, tmp_path / "lake"))
    stored = lake.scan(SPLITS).collect()
    doubted = stored.with_columns(pl.lit(SESSIONS[4]).alias("execution_date"), doubt=pl.lit("implausible"))
    lake.refresh(SPLITS, pl.concat([stored, doubted]), run_id="r")
    tables = ReportTables(ReportRows(lake, STOCKS, SESSIONS[-2:]), LAST)
    words = f"The value of your SPLIT may be wrong: a split of {SESSIONS[4]} is in doubt and not applied: 2 for 1."
    assert words in tables.notices_of_all
    assert words in ticker_page(LAST, "SPLIT", tables.tickers(["SPLIT", "PLAIN"])).notices
    assert words not in ticker_page(LAST, "PLAIN", tables.tickers(["SPLIT", "PLAIN"])).notices


def test_a_company_s_name_is_text(settings):
    html = page(settings, ticker="SPLIT")
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


@pytest.mark.thorough
def test_without_splits_the_pages_say_so(tmp_path):
    vendor = VendorFolder(tmp_path)
    vendor.lay(LAST, row(LAST, "PLAIN"))
    with instance() as dagster:
        run(vendor.settings(), [LAST], instance=dagster)
    assert SPLITS_UNKNOWN in page(vendor.settings())


@pytest.mark.thorough
def test_a_second_run_replaces_the_pages_and_keeps_those_of_other_sessions(settings):
    with instance() as dagster:
        run(settings, [LAST], instance=dagster)
    assert ReportsFolder(settings.reports).sessions() == SESSIONS[-MOST_SESSIONS:]
    assert Lake(settings.lake).exists(POSITIONS)
