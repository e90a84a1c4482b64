"""`candlelake status`: what the lake holds, what is missing, and what was rejected."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from rich.table import Table as Grid

from pipeline.cli.terminal import out, say

if TYPE_CHECKING:
    from pipeline.contracts.table import Table
    from pipeline.lake.tables import Lake


def status() -> None:
    """Show the sessions present, missing and replaced, and the rejected rows by reason."""
    from pipeline.tables import TABLES
    from pipeline.lake.tables import Lake
    from pipeline.market.calendar import new_york
    from pipeline.partitions import latest_published
    from pipeline.settings import load_settings

    settings = load_settings()
    lake = Lake(settings.lake)
    say(f"[dim]{settings.lake}[/]")
    present = {table: sessions_held(lake, table) for table in TABLES}
    bars = present[TABLES[0]]
    if not bars:
        say("Nothing here yet. `candlelake demo` shows the whole thing; `candlelake run` takes the latest session.")
        return
    expected = new_york().between(bars[0], latest_published(datetime.now(UTC), settings.end))
    out.print(_tables(lake, present))
    _say_gaps("missing", [session for session in expected if session not in set(bars)])
    _say_gaps("replaced by the vendor", sessions_replaced(lake))
    out.print(_rejected(lake))


def sessions_held(lake: "Lake", table: "Table") -> list[date]:
    """Return the sessions a table has rows for; none when nobody has written it yet."""
    return lake.sessions(table) if lake.exists(table) else []


def sessions_replaced(lake: "Lake") -> list[date]:
    """Return the sessions of which the vendor delivered more than one version."""
    import polars as pl

    from pipeline.contracts.deliveries import DELIVERIES

    if not lake.exists(DELIVERIES):
        return []
    earlier = lake.scan(DELIVERIES, columns=["session", "is_current"]).filter(~pl.col("is_current"))
    return earlier.select("session").unique().sort("session").collect()["session"].to_list()


def _tables(lake: "Lake", present: dict["Table", list[date]]) -> Grid:
    import polars as pl

    grid = Grid(header_style="bold", pad_edge=False, box=None)
    for name in ("table", "sessions", "first", "last", "rows", "version"):
        grid.add_column(name, justify="left" if name == "table" else "right")
    for table, sessions in present.items():
        if not sessions:
            grid.add_row(table.sql_name, "0", "", "", "", "")
            continue
        rows, version = lake.scan(table).select(pl.len()).collect().item(), lake.version(table)
        grid.add_row(
            table.sql_name, f"{len(sessions):,}", str(sessions[0]), str(sessions[-1]), f"{rows:,}", str(version)
        )
    return grid


def _rejected(lake: "Lake") -> Grid:
    import polars as pl

    from pipeline.contracts.quarantine import QUARANTINE, REASONS

    grid = Grid(title="rows quarantined", title_justify="left", header_style="bold", pad_edge=False, box=None)
    grid.add_column("reason")
    grid.add_column("rows", justify="right")
    grid.add_column("meaning", style="dim")
    reasons = lake.scan(QUARANTINE, columns=["reasons"]).explode("reasons").group_by("reasons").len()
    for reason, rows in reasons.sort(pl.col("len"), descending=True).collect().iter_rows():
        grid.add_row(reason, f"{rows:,}", REASONS[reason])
    return grid


def _say_gaps(what: str, sessions: list[date]) -> None:
    shown = ", ".join(str(session) for session in sessions[:8])
    more = f" and {len(sessions) - 8:,} more" if len(sessions) > 8 else ""
    out.print(f"sessions {what}: {f'{len(sessions):,} ({shown}{more})' if sessions else 'none'}")
