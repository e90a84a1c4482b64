"""`candlelake status`: what the lake holds, what is missing, and what was rejected."""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.catalog import keep_catalog_here
from pipeline.cli.rows import dump
from pipeline.cli.terminal import out, say

if TYPE_CHECKING:
    from rich.table import Table as Grid

    from pipeline.contracts.table import Table
    from pipeline.lake.tables import Lake

NAMED = 6
"""Sessions named in one line; the rest is counted, and all are in --json."""


@dataclass(frozen=True)
class Held:
    """What one table holds."""

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
    """Where it lies."""
    tables: list[Held]
    expected: date
    """The newest session whose file the vendor must have published."""
    missing: list[date]
    """Sessions without bars, from the first held to the one expected."""
    replaced: list[date]
    """Sessions of which the vendor delivered more than one version; a morning edition is none that was replaced."""
    provisional: list[date]
    """Sessions whose bars are the morning edition."""
    rows_read: int
    rows_quarantined: int
    """Each of them once, whatever its reasons."""
    quarantined: dict[str, int]
    """Rows by reason, the most frequent first; a row may have several reasons."""


def status(
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="As JSON, with every session named.")] = False,
) -> None:
    """Show sessions present, missing and replaced, and rejected rows."""
    from pipeline.lake.tables import Lake
    from pipeline.orchestration.partitions import latest_published
    from pipeline.settings import load_settings

    settings = load_settings()
    keep_catalog_here(settings)
    found = survey(Lake(settings.lake), str(settings.lake), latest_published(datetime.now(UTC), settings.end))
    if as_json:
        dump(asdict(found))
        return
    say(found.lake, style="dim")
    if not any(held.rows for held in found.tables):
        say("Nothing here yet. `candlelake demo` shows the whole thing; `candlelake run` takes the latest session.")
        return
    show(found)


def survey(lake: "Lake", place: str, expected: date) -> Status:
    """Return the state of `lake`, whose newest session should be `expected`."""
    from pipeline.contracts.bars import DAILY_BARS
    from pipeline.tables import EVERY_TABLE
    from pipeline.venues.calendar import new_york

    present = {table.sql_name: _rows_by_session(lake, table) for table in EVERY_TABLE if table.session}
    bars = present[DAILY_BARS.sql_name]
    due = new_york().between(min(bars), max(expected, *bars)) if bars else ()
    read, replaced, provisional = _deliveries(lake)
    rejected, by_reason = _rejected(lake)
    return Status(
        lake=place,
        tables=[_held(lake, table, present.get(table.sql_name)) for table in EVERY_TABLE],
        expected=expected,
        missing=[session for session in due if session not in bars],
        replaced=replaced,
        provisional=provisional,
        rows_read=read,
        rows_quarantined=rejected,
        quarantined=by_reason,
    )


def _rows_by_session(lake: "Lake", table: "Table") -> dict[date, int]:
    if not lake.exists(table):
        return {}
    counted = lake.scan(table, columns=["session"]).group_by("session").len().collect()
    return dict(counted.iter_rows())


def _held(lake: "Lake", table: "Table", rows: dict[date, int] | None) -> Held:
    """Return what `table` holds; `rows` by session, or None for a table that is refreshed whole."""
    if rows is None:
        return _held_whole(lake, table)
    return Held(
        table=table.sql_name,
        sessions=len(rows),
        first=min(rows, default=None),
        last=max(rows, default=None),
        rows=sum(rows.values()),
        version=lake.version(table) if lake.exists(table) else None,
    )


def _held_whole(lake: "Lake", table: "Table") -> Held:
    import polars as pl

    version = lake.version(table) if lake.exists(table) else None
    rows: int = lake.read(table).rows.select(pl.len()).collect().item()
    return Held(table.sql_name, sessions=None, first=None, last=None, rows=rows, version=version)


def _deliveries(lake: "Lake") -> tuple[int, list[date], list[date]]:
    """Return the rows read from what is in force, the sessions with an earlier file, and the provisional ones."""
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
    counted = reasons.explode("reasons").group_by(reason="reasons").len().sort(-pl.col("len").cast(pl.Int64), "reason")
    return len(reasons), dict(counted.iter_rows())


def show(found: Status) -> None:
    """Write the state to stdout."""
    from pipeline.contracts.quarantine import REASONS

    console = out()
    console.print(_tables(found))
    console.print()
    dated = {"missing": found.missing, "replaced": found.replaced}
    if found.provisional:
        dated["provisional"] = found.provisional
    for what, sessions in dated.items():
        count = f"{len(sessions):,}".rjust(15 - len(what))
        console.print(f"sessions {what} {count}  {_named(sessions)}".rstrip())
    share = f"{found.rows_quarantined / found.rows_read:.2%} of {found.rows_read:,} read" if found.rows_read else ""
    console.print(f"rows quarantined   {found.rows_quarantined:>6,}  {share}".rstrip())
    width = max(map(len, found.quarantined), default=0)
    for reason, rows in found.quarantined.items():
        console.print(f"  {reason:<{width}}  {rows:>7,}  {REASONS.get(reason, '')}", no_wrap=True, overflow="ellipsis")


def _tables(found: Status) -> "Grid":
    from rich.table import Table as Grid

    grid = Grid(header_style="bold", pad_edge=False, box=None)
    for name in ("table", "sessions", "first", "last", "rows", "version"):
        grid.add_column(name, justify="left" if name == "table" else "right", no_wrap=True)
    for held in found.tables:
        sessions = "" if held.sessions is None else f"{held.sessions:,}"
        cells = (sessions, held.first, held.last, f"{held.rows:,}", held.version)
        grid.add_row(held.table, *("" if cell is None else str(cell) for cell in cells))
    return grid


def _named(sessions: list[date]) -> str:
    more = f" and {len(sessions) - NAMED:,} more" if len(sessions) > NAMED else ""
    return ", ".join(str(session) for session in sessions[:NAMED]) + more
