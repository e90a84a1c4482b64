"""`candlelake status`: what the lake contains, what is missing, and what was rejected."""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.catalog import keep_catalog_here
from pipeline.cli.columns import fitting, widths_of
from pipeline.cli.rows import dump
from pipeline.cli.terminal import out, say

if TYPE_CHECKING:
    from rich.table import Table as Grid

    from pipeline.contracts.table import Table
    from pipeline.lake.lake import Lake
    from pipeline.market.market import Market

COLUMNS = ("table", "sessions", "first", "last", "rows", "version")

LEFT_OUT = ("version", "first", "sessions", "last")
"""Columns that go first where they do not fit."""

MOST_LISTED = 6
"""Sessions listed in one line; the rest is counted, and --json has all."""


@dataclass(frozen=True)
class TableContents:
    """The contents of one table."""

    table: str
    sessions: int | None
    """None for a table that is refreshed whole."""
    first: date | None
    last: date | None
    rows: int
    version: int | None


@dataclass(frozen=True)
class Status:
    """The state of a lake."""

    lake: str
    """Its place."""
    tables: list[TableContents]
    expected: date
    """The newest session whose file the vendor must have published by now."""
    missing: list[date]
    """Sessions without bars, from the first in the lake to the expected one."""
    replaced: list[date]
    """Sessions with more than one version of the vendor's file; a replaced morning edition does not count."""
    provisional: list[date]
    """Sessions whose bars are the morning edition."""
    rows_read: int
    rows_quarantined: int
    """Each row once, whatever its reasons."""
    quarantined: dict[str, int]
    """Rows by reason, the most frequent first; a row may have several reasons."""


def status(
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="As JSON, with every session named.")] = False,
) -> None:
    """Show sessions present, missing and replaced, and rejected rows."""
    from pipeline.lake.lake import Lake
    from pipeline.mine.in_force import stocks_of
    from pipeline.settings import load_settings
    from pipeline.sources.choose import Sources

    settings = load_settings()
    stocks = stocks_of(settings)
    keep_catalog_here(settings)
    newest = Sources(settings).publication.newest(stocks.venue, datetime.now(UTC), settings.end)
    lake_status = survey(Lake(settings.lake), stocks, str(settings.lake), newest)
    if as_json:
        dump(asdict(lake_status))
        return
    say(lake_status.lake, style="dim")
    if not any(table.rows for table in lake_status.tables):
        say("Nothing here yet. `candlelake demo` shows the whole thing; `candlelake run` takes the latest session.")
        return
    show(lake_status)


def survey(lake: "Lake", stocks: "Market", place: str, expected: date) -> Status:
    """Return the state of `lake`, whose newest session should be `expected`."""
    from pipeline.tables import every_table

    tables = every_table(stocks)

    present = {table.sql_name: _rows_by_session(lake, table) for table in tables if table.session}
    bars = present[stocks.bars.sql_name]
    due = stocks.calendar.between(min(bars), max(expected, *bars)) if bars else ()
    rows_read, replaced, provisional = _deliveries(lake)
    rejected, by_reason = _rejected(lake)
    return Status(
        lake=place,
        tables=[_contents(lake, table, present.get(table.sql_name)) for table in tables],
        expected=expected,
        missing=[session for session in due if session not in bars],
        replaced=replaced,
        provisional=provisional,
        rows_read=rows_read,
        rows_quarantined=rejected,
        quarantined=by_reason,
    )


def _rows_by_session(lake: "Lake", table: "Table") -> dict[date, int]:
    if not lake.exists(table):
        return {}
    counts = lake.scan(table, columns=["session"]).group_by("session").len().collect()
    return dict(counts.iter_rows())


def _contents(lake: "Lake", table: "Table", rows: dict[date, int] | None) -> TableContents:
    """Return the contents of `table`; `rows` by session, or None for a table that is refreshed whole."""
    if rows is None:
        return _contents_of_whole_table(lake, table)
    return TableContents(
        table=table.sql_name,
        sessions=len(rows),
        first=min(rows, default=None),
        last=max(rows, default=None),
        rows=sum(rows.values()),
        version=lake.version(table) if lake.exists(table) else None,
    )


def _contents_of_whole_table(lake: "Lake", table: "Table") -> TableContents:
    import polars as pl

    version = lake.version(table) if lake.exists(table) else None
    rows: int = lake.read(table).rows.select(pl.len()).collect().item()
    return TableContents(table.sql_name, sessions=None, first=None, last=None, rows=rows, version=version)


def _deliveries(lake: "Lake") -> tuple[int, list[date], list[date]]:
    """Return the rows read from files in force, the sessions with an earlier file, and the provisional ones."""
    import polars as pl

    from pipeline.contracts.deliveries import DELIVERIES

    if not lake.exists(DELIVERIES):
        return 0, [], []
    every = lake.scan(DELIVERIES, columns=["session", "is_current", "rows_read", "provisional"]).collect()
    is_current, is_provisional = pl.col("is_current"), pl.col("provisional").fill_null(value=False)
    replaced = every.filter(~is_current, ~is_provisional)["session"].unique().sort()
    provisional = every.filter(is_current, is_provisional)["session"].sort()
    return int(every.filter(is_current)["rows_read"].sum()), replaced.to_list(), provisional.to_list()


def _rejected(lake: "Lake") -> tuple[int, dict[str, int]]:
    """Return how many rows were rejected, and how many for each reason."""
    import polars as pl

    from pipeline.contracts.quarantine import QUARANTINE

    if not lake.exists(QUARANTINE):
        return 0, {}
    reasons = lake.scan(QUARANTINE, columns=["reasons"]).collect()
    counts = reasons.explode("reasons").group_by(reason="reasons").len().sort(-pl.col("len").cast(pl.Int64), "reason")
    return len(reasons), dict(counts.iter_rows())


def show(lake_status: Status) -> None:
    """Write the state to stdout."""
    from pipeline.contracts.quarantine import REASONS

    console = out()
    console.print(_tables(lake_status, console.width))
    console.print()
    dated = {"missing": lake_status.missing, "replaced": lake_status.replaced}
    if lake_status.provisional:
        dated["provisional"] = lake_status.provisional
    for what, sessions in dated.items():
        count = f"{len(sessions):,}".rjust(15 - len(what))
        console.print(f"sessions {what} {count}  {_first_sessions(sessions)}".rstrip())
    share = (
        f"{lake_status.rows_quarantined / lake_status.rows_read:.2%} of {lake_status.rows_read:,} read"
        if lake_status.rows_read
        else ""
    )
    console.print(f"rows quarantined   {lake_status.rows_quarantined:>6,}  {share}".rstrip())
    width = max(map(len, lake_status.quarantined), default=0)
    for reason, rows in lake_status.quarantined.items():
        console.print(f"  {reason:<{width}}  {rows:>7,}  {REASONS.get(reason, '')}", no_wrap=True, overflow="ellipsis")


def _tables(lake_status: Status, room: int) -> "Grid":
    """Return the contents of the tables, with the columns that `room` characters can show."""
    from rich.table import Table as Grid

    lines = [_cells(table) for table in lake_status.tables]
    grid = Grid(header_style="bold", pad_edge=False, box=None)
    shown = fitting(widths_of(lines, COLUMNS), LEFT_OUT, room)
    for name in shown:
        grid.add_column(name, justify="left" if name == "table" else "right", no_wrap=True)
    for line in lines:
        grid.add_row(*(line[name] for name in shown))
    return grid


def _cells(table: TableContents) -> dict[str, str]:
    sessions = "" if table.sessions is None else f"{table.sessions:,}"
    cells = (table.table, sessions, table.first, table.last, f"{table.rows:,}", table.version)
    return {name: "" if cell is None else str(cell) for name, cell in zip(COLUMNS, cells, strict=True)}


def _first_sessions(sessions: list[date]) -> str:
    more = f" and {len(sessions) - MOST_LISTED:,} more" if len(sessions) > MOST_LISTED else ""
    return ", ".join(str(session) for session in sessions[:MOST_LISTED]) + more
