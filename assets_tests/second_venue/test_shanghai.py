"""A venue that nobody built in runs from its vendor's files to the page, beside US stocks in the same home."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import exchange_calendars
import polars as pl
import pytest
import time_machine

from assets_tests.dagster_runs import QUIET, instance
from assets_tests.market.screen.panels import EVERYBODY, factor
from assets_tests.second_venue.definitions import build_shanghai
from assets_tests.second_venue.shanghai import DAY_FILES, SHANGHAI
from assets_tests.stocks import declaring
from pipeline.lake.lake import Lake
from pipeline.lake.sql import connect
from pipeline.market.market import market_of
from pipeline.market.screen.model import Model
from pipeline.settings import Settings
from pipeline.sources.port import key_of

WEEK = Model(
    name="week",
    version=1,
    description="Up in a week.",
    universe=EVERYBODY,
    factors=((factor("week", "return_5"), 1.0),),
)
DECLARATIONS = declaring(models=(WEEK,))
MARKET = market_of(SHANGHAI, DECLARATIONS)
SESSIONS = SHANGHAI.calendar.between(date(2023, 12, 25), date(2024, 2, 20))
LAST = SESSIONS[-1]
CODES = ("600000", "600519", "688981", "000001")


def price(code: str, session: date) -> float:
    """Return a close: each code rises at its own pace."""
    return round(10 + 5 * CODES.index(code) + 0.1 * (CODES.index(code) + 1) * SESSIONS.index(session), 2)


def day_file(session: date) -> bytes:
    """Return the vendor's file of a session, with a bad row on the last one."""
    header = "name,code,open_px,hi,lo,close_px,vol"
    rows = [
        f"公司,{code},{price(code, session)},{price(code, session) + 1},1,{price(code, session)},1000" for code in CODES
    ]
    bad = ["公司,600001,5,4,6,5,10"] if session == LAST else []
    return gzip.compress("\n".join([header, *rows, *bad, ""]).encode(), mtime=0)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Return the settings and the result of a run over some weeks around the Spring Festival."""
    folder = tmp_path_factory.mktemp("shanghai")
    for session in SESSIONS:
        path = folder / "vendor" / key_of(DAY_FILES, session)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(day_file(session))
    settings = Settings(home=folder / "home", flat_files=str(folder / "vendor"))
    job = build_shanghai(settings, DECLARATIONS).resolve_job_def("shanghai_by_day")
    span = {
        "dagster/asset_partition_range_start": str(SESSIONS[0]),
        "dagster/asset_partition_range_end": str(SESSIONS[-1]),
    }
    with instance() as dagster, time_machine.travel(datetime(2024, 2, 21, 4, tzinfo=UTC), tick=True):
        result = job.execute_in_process(instance=dagster, run_config=QUIET, tags=span)
    return SimpleNamespace(settings=settings, result=result, lake=Lake(settings.lake))


@pytest.mark.filterwarnings("ignore:Series.values returning an ndarray:DeprecationWarning")
def test_its_sessions_are_those_of_exchange_calendars() -> None:
    xshg = exchange_calendars.get_calendar("XSHG", start="2023-01-01", end="2024-12-31")
    assert SHANGHAI.calendar.sessions == tuple(session.date() for session in xshg.sessions)


def test_the_run_succeeds_with_all_its_checks(ran: SimpleNamespace) -> None:
    assert ran.result.success
    evaluations = ran.result.get_asset_check_evaluations()
    assert {one.asset_key.path[0] for one in evaluations} == {"shanghai"}
    assert len(evaluations) == 9
    assert [one.check_name for one in evaluations if not one.passed] == []


def test_bars_have_the_vendor_s_prices_under_our_names_and_no_session_in_the_festival(ran: SimpleNamespace) -> None:
    bars = ran.lake.read(MARKET.bars).rows.collect()
    assert bars["session"].unique().sort().to_list() == list(SESSIONS)
    assert date(2024, 2, 12) not in SESSIONS
    closes = bars.filter(session=LAST).sort("ticker").select("ticker", "close", "volume", "transactions").rows()
    assert closes == [(code, price(code, LAST), 1000.0, 0) for code in sorted(CODES)]


def test_a_bad_row_is_in_quarantine_as_the_vendor_wrote_it(ran: SimpleNamespace) -> None:
    (row,) = ran.lake.read(MARKET.quarantine).rows.collect().to_dicts()
    assert (row["ticker"], row["high"], row["low"], row["window_start"]) == ("600001", "4", "6", None)
    assert row["reasons"] == ["high_below_low", "open_or_close_outside_range"]


def test_indicators_count_the_venue_s_sessions(ran: SimpleNamespace) -> None:
    rows = ran.lake.read(MARKET.indicators).rows.filter(session=LAST, ticker="600519").collect()
    assert rows["bars"].item() == len(SESSIONS)
    week_before = SHANGHAI.calendar.offset(LAST, -5)
    assert week_before < date(2024, 2, 9), "across the festival"
    assert rows["return_5"].item() == pytest.approx(price("600519", LAST) / price("600519", week_before) - 1, rel=1e-8)


def test_candidates_are_ranked_and_on_a_page_in_its_currency(ran: SimpleNamespace) -> None:
    listed = ran.lake.read(MARKET.candidates, LAST, LAST).rows.sort("rank").collect()
    returns = {code: price(code, LAST) / price(code, SHANGHAI.calendar.offset(LAST, -5)) for code in CODES}
    assert listed["ticker"].to_list() == sorted(CODES, key=lambda code: -returns[code])
    pages = ran.settings.reports / "shanghai" / str(LAST)
    document = next(pages.glob("candidates-*.html")).read_text()
    assert "688981" in document
    assert "CNY, as traded" in next(pages.rglob("*600519*.html")).read_text()


def test_its_tables_are_in_sql_under_its_own_name(ran: SimpleNamespace) -> None:
    with connect(ran.lake) as sql:
        assert sql.sql("SELECT count(*) FROM shanghai.daily_bars").item() == len(SESSIONS) * len(CODES)
        names = {row[0] for row in sql.sql("SELECT DISTINCT table_schema FROM information_schema.tables").rows()}
    assert "stocks" not in names


def test_its_partitions_are_the_sessions_that_are_over_at_its_own_midnight(ran: SimpleNamespace) -> None:
    (key, *_) = ran.lake.read(MARKET.deliveries).rows.select("key").collect()["key"].sort()
    assert key == key_of(DAY_FILES, SESSIONS[0])
    assert isinstance(ran.lake.read(MARKET.bars).rows, pl.LazyFrame)
    assert Path(ran.settings.lake, "raw", key).exists()
