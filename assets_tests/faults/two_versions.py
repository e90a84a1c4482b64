"""A small market whose two newest sessions come in two versions, and what the lake must hold for each of them."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from math import sin
from pathlib import Path
from typing import Any

import polars as pl

from assets_tests.faults.full_disk import preloaded
from assets_tests.faults.nursery import Nursery, Process, Work, nursery
from assets_tests.stocks import TABLES
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.settings import Settings
from pipeline.venues.us_stocks import US_STOCKS

HISTORY = US_STOCKS.calendar.between(date(2023, 1, 3), date(2024, 1, 30))
"""Enough for the models, which want 253 bars."""
DAYS = (date(2024, 1, 31), date(2024, 2, 1))
"""Two sessions in two partitions."""
TICKERS = ("AAP", "AAp", "NA", "TRUE", "1E5", "NULL", "INF", "BRK.B")
OLD, NEW = "old", "new"

ADD = ("positions", "add", "AAP", "1", "20", "--opened", str(DAYS[0]), "--force")
"""The command that records a first position."""

Rows = list[tuple[Any, ...]]


def close(ticker: str, session: date, version: str = OLD) -> float:
    """Return what a ticker closed at: a steady climb with a swing, a little higher in the new version."""
    number, day = TICKERS.index(ticker), (session - HISTORY[0]).days
    moved = 1.0 if version == OLD else 1.01
    return round(
        (20 + 5 * number) * (1 + 0.001 * (number + 1)) ** day * (1 + 0.02 * sin(day / (3 + number))) * moved, 2
    )


def tickers_of(version: str) -> tuple[str, ...]:
    """Return which tickers the files of a version have: the new one lacks one."""
    return TICKERS if version == OLD else TICKERS[:-1]


def lines(session: date, version: str) -> list[str]:
    """Return the lines of a session's file: good ones, one of them twice, and one bad row, two in the new version."""
    good = [
        row(session, ticker, str(price), open=str(price), high=str(price + 1), low=str(price - 1), volume="2000000")
        for ticker in tickers_of(version)
        for price in [close(ticker, session, version)]
    ]
    return [*good, good[0], *(row(session, f"BAD{number}", high="1") for number in range(1 if version == OLD else 2))]


def bars_of(version: str) -> Rows:
    """Return session, ticker and close of every bar of `DAYS`, as the files have them."""
    return sorted((day, ticker, close(ticker, day, version)) for day in DAYS for ticker in tickers_of(version))


@dataclass(frozen=True)
class Market:
    """A vendor's folder, and the nursery that runs over it."""

    vendor: VendorFolder
    nursery: Nursery
    only: tuple[str, ...]
    """Assets that runs of the daily job are confined to; none for the whole job."""
    new_lake: Callable[[], dict[str, str]] = dict
    """Gives the settings of an empty lake; by default it lies in its home."""

    def start(self, settings: dict[str, Any]) -> Process:
        """Start a daily run of `DAYS`, and return it at once."""
        return self.nursery.start(Work(settings, DAYS, only=self.only))

    def run(self, settings: dict[str, Any]) -> float:
        """Run `DAYS` to a good end, and return how many seconds it took."""
        begun = time.monotonic()
        self.nursery.run(Work(settings, DAYS, only=self.only))
        return time.monotonic() - begun

    def bare_home(self, name: str) -> dict[str, Any]:
        """Return the settings of a home of this name whose lake is empty: all that comes has an audit trail."""
        given = {"home": self.vendor.root / name, "flat_files": str(self.vendor.files), "max_bad_share": 0.5}
        return given | self.new_lake()

    def home(self, name: str) -> dict[str, Any]:
        """Return the settings of a home of this name, with the history before `DAYS` in its lake."""
        settings = self.bare_home(name)
        lake_of(settings).replace(DAILY_BARS, HISTORY, [history()], run_id="history")
        return settings

    def publish(self, version: str) -> None:
        """Put the files of a version into the vendor's folder, for all of `DAYS`."""
        for day in DAYS:
            self.vendor.lay(day, *lines(day, version))


@contextmanager
def market(folder: Path, only: Sequence[str] = ()) -> Iterator[Market]:
    """Give the market in `folder`, with the old version published; runs are confined to `only`, if given."""
    span = {"CANDLELAKE_START": str(HISTORY[0]), "CANDLELAKE_END": str(DAYS[-1])}
    with nursery(folder / "runs", **span, **preloaded()) as runs:
        ready = Market(VendorFolder(folder), runs, tuple(only))
        ready.publish(OLD)
        runs.rehearse(Work(ready.home("rehearsal"), DAYS))
        yield ready


def lake_of(settings: dict[str, Any]) -> Lake:
    """Return the lake of a home."""
    return Lake(Settings(**settings).lake)


def history() -> pl.DataFrame:
    """Return the bars of the sessions before `DAYS`."""
    rows = [(ticker, session, close(ticker, session)) for session in HISTORY for ticker in TICKERS]
    frame = pl.DataFrame(rows, schema={"ticker": pl.String, "session": pl.Date, "close": pl.Float64}, orient="row")
    return frame.with_columns(
        open=pl.col("close"),
        high=pl.col("close") + 1,
        low=pl.col("close") - 1,
        volume=pl.lit(2e6),
        transactions=pl.lit(7, pl.Int64),
    ).select(list(DAILY_BARS.columns))


def stored_tables(settings: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """Return what the tables of the daily job hold of `DAYS`, in the order of their keys, without the run's id."""
    lake = lake_of(settings)
    return {table.sql_name: _rows(lake, table) for table in TABLES}


def versions(settings: dict[str, Any]) -> dict[str, int]:
    """Return the newest version of each table of the daily job that was ever written."""
    lake = lake_of(settings)
    return {table.sql_name: lake.version(table) for table in TABLES if lake.exists(table)}


def _rows(lake: Lake, table: Table) -> pl.DataFrame:
    stored = lake.scan(table, *DAYS) if lake.exists(table) else table.empty().lazy()
    rows = stored.sort(table.key).collect().drop("run_id", strict=False)
    # Only the rows of the audit trail that are in force: earlier versions stay in it.
    return rows.filter("is_current").drop("last_modified") if table is DELIVERIES else rows


def assert_agree(tables: dict[str, pl.DataFrame], version: str) -> None:
    """Fail unless bars, quarantine and audit trail are those of one version, counted from its files by hand."""
    bars = tables[DAILY_BARS.sql_name].sort("session", "ticker").select("session", "ticker", "close").rows()
    assert bars == bars_of(version)
    kept, bad = len(tickers_of(version)), 1 if version == OLD else 2
    assert tables[QUARANTINE.sql_name]["session"].value_counts().sort("session").rows() == [(day, bad) for day in DAYS]
    counts = (
        tables[DELIVERIES.sql_name].sort("session").select("session", "rows_read", "kept", "duplicates", "quarantined")
    )
    assert counts.rows() == [(day, kept + 1 + bad, kept, 1, bad) for day in DAYS]
