"""`candlelake restate`: computes outdated sessions again: their bars, splits or code have changed since."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.terminal import count_text, out, say, shortened

if TYPE_CHECKING:
    import polars as pl

    from pipeline.queries.outdated import OutdatedSessions

MOST_NAMED = 20
"""Causes shown before a run; --json has all."""


def restate(
    dry_run: Annotated[bool, typer.Option("--dry-run", metavar="", help="Only show what would run again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Show it as JSON; implies --dry-run.")] = False,
) -> None:
    """Compute again what depends on splits, bars or code that have changed since."""
    from pipeline.lake.lake import Lake
    from pipeline.mine.in_force import stocks_of
    from pipeline.queries.outdated import outdated_sessions
    from pipeline.settings import load_settings

    settings = load_settings()
    due = outdated_sessions(Lake(settings.lake), stocks_of(settings))
    if as_json:
        from pipeline.cli.rows import write_json

        write_json(due.outdated)
        return
    show(due)
    if due.stretches and not dry_run:
        from pipeline.cli.run_reports import finish
        from pipeline.cli.runs import bring_up_to_date

        finish(bring_up_to_date(settings, due))


def show(due: "OutdatedSessions") -> None:
    """Show what is outdated and why, and which tables run again for which sessions."""
    if not due.stretches:
        say("Everything is up to date with the bars and splits in the lake, and with today's code.")
        return
    console = out()
    causes = causes_of(due)
    for row in causes.head(MOST_NAMED).iter_rows(named=True):
        whose = f"{shortened(row['ticker']):<8}" if row["ticker"] else row["table"]
        when = f", {row['event_date']}" if row["event_date"] else ""
        console.print(f"{whose} {row['first_session']} to {row['last_session']}  {row['cause']}{when}", soft_wrap=True)
    more = len(causes) - MOST_NAMED
    if more > 0:
        say(f"… and {more:,} more; --json has all.", style="dim")
    by_tables: dict[tuple[str, ...], list[tuple[date, date]]] = {}
    for stretch in due.stretches:
        by_tables.setdefault(stretch.tables, []).append((stretch.first, stretch.last))
    for tables, spans in by_tables.items():
        say(f"Made again: {', '.join(tables)} of {in_words(spans)}.")


def causes_of(due: "OutdatedSessions") -> "pl.DataFrame":
    """Return the outdated ranges, one for a cause that outdates several tables from the same session on."""
    import polars as pl

    whose = pl.when(pl.col("ticker").is_null()).then("table")
    same = ["ticker", whose.alias("whose"), "event_date", "cause", "first_session"]
    return due.outdated.group_by(same, maintain_order=True).agg(pl.first("table"), pl.max("last_session"))


def in_words(spans: Sequence[tuple[date, date]]) -> str:
    """Return spans of sessions in words: `452 sessions, 2005-02-28 to 2006-12-11`."""
    from pipeline.venues.us_stocks import US_STOCKS

    count = sum(len(US_STOCKS.calendar.between(*span)) for span in spans)
    text = ", ".join(f"{first} to {last}" for first, last in spans)
    return f"{count_text(count, 'sessions')}, {text}"
