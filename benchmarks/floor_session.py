"""The leanest script for one new session on a lake that has its history: what the same rows and pages cost.

The file is copied and parsed by a bare scan; the bars of the look-back are read from the lake's own files by one
`scan_parquet`; indicators, candidates and pages come from the project's own functions; each table is written in one
commit, each page once. No Dagster, no validation, no deduplication, no audit trail, no split worked into an indicator,
no checks, no catalog, no flush, no second look. Only the pages read splits and names from the lake.
"""

import tempfile
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import polars as pl
from deltalake import DeltaTable

from benchmarks.floor import copied, parsed, ranked, write
from benchmarks.measuring import Figures, timed
from pipeline.venues.us_stocks import US_STOCKS

if TYPE_CHECKING:
    from pipeline.settings import Settings

READ = ("ticker", "session", "open", "high", "low", "close", "volume")


def by_itself(session: str) -> None:
    """Call `lean_session` for the home and the files that the environment names."""
    from pipeline.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    lean_session(settings, settings.flat_files, date.fromisoformat(session))


def lean_session(settings: "Settings", files: str, session: date) -> Figures:
    """Make bars, indicators, candidates and pages of a session that the lake holds, in a folder that is thrown away."""
    stages: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=settings.home) as folder:
        taken = timed(lambda: _everything(settings, Path(files), session, Path(folder), stages))
    return taken | {"stages": stages}


def _everything(settings: "Settings", files: Path, session: date, folder: Path, stages: dict[str, float]) -> None:
    from benchmarks.stocks import LOOKBACK_SESSIONS, indicators  # noqa: PLC0415

    begun = perf_counter()

    def record(stage: str) -> None:
        nonlocal begun
        stages[stage], begun = perf_counter() - begun, perf_counter()

    write(folder / "daily_bars", parsed(copied(files, folder, [session])))
    record("bars")
    window = US_STOCKS.calendar.between(US_STOCKS.calendar.offset(session, 1 - LOOKBACK_SESSIONS), session)
    bars = _bars(Path(settings.lake) / "stocks/daily_bars", window[0], session)
    record("look-back read")
    rows = indicators(bars, window, session)
    record("indicators")
    write(folder / "indicators", [rows])
    write(folder / "candidates", ranked(bars, rows, [session]))
    record("ranked and written")
    _pages(settings, session, folder)
    record("pages")


def _bars(table: Path, first: date, last: date) -> pl.DataFrame:
    months = [uri for uri in DeltaTable(table).file_uris() if f"{first:%Y-%m}" <= _month(uri) <= f"{last:%Y-%m}"]
    scan = pl.scan_parquet(months, hive_partitioning=False).select(READ)
    return scan.filter(pl.col("session").is_between(first, last)).collect()


def _month(uri: str) -> str:
    return uri.rpartition("month=")[2][:7]


def _pages(settings: "Settings", session: date, folder: Path) -> None:
    from benchmarks.stocks import STOCKS  # noqa: PLC0415
    from pipeline.lake.lake import Lake  # noqa: PLC0415
    from pipeline.market.screen.models import MODELS  # noqa: PLC0415
    from pipeline.queries.report_rows import ReportRows  # noqa: PLC0415
    from pipeline.queries.report_tables import ReportTables  # noqa: PLC0415
    from pipeline.reports.candidates_page import candidates_page  # noqa: PLC0415
    from pipeline.reports.html import candidates_html, ticker_html  # noqa: PLC0415
    from pipeline.reports.ticker_page import ticker_pages  # noqa: PLC0415

    tables = ReportTables(ReportRows(Lake(settings.lake), STOCKS, [session]), session)
    page = candidates_page(session, tables.candidates(), models=MODELS)
    (folder / "index.html").write_text(candidates_html(page))
    for number, ticker in enumerate(ticker_pages(session, page.tickers, tables.tickers(page.tickers))):
        (folder / f"{number}.html").write_text(ticker_html(ticker))
