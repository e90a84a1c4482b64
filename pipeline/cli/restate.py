"""`candlelake restate`: computes outdated sessions again: their bars, splits or code have changed since."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.terminal import count_text, out, say, shortened

if TYPE_CHECKING:
    import polars as pl

    from pipeline.queries.outdated import OutdatedSessions
    from pipeline.queries.outdated_pages import Shown

MOST_NAMED = 20
"""Causes shown before a run; --json has all."""


def restate(
    dry_run: Annotated[bool, typer.Option("--dry-run", metavar="", help="Only show what would run again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Show it as JSON; implies --dry-run.")] = False,
) -> None:
    """Compute again what depends on reference data, bars or code that have changed since."""
    from pipeline.assets.reports import pages_folder
    from pipeline.lake.lake import Lake
    from pipeline.mine.in_force import stocks_of
    from pipeline.queries.outdated import outdated_sessions
    from pipeline.queries.outdated_pages import outdated_pages
    from pipeline.reports.folder import ReportsFolder
    from pipeline.settings import load_settings

    settings = load_settings()
    lake, stocks = Lake(settings.lake), stocks_of(settings)
    due = outdated_sessions(lake, stocks)
    if as_json:
        from pipeline.cli.rows import write_json

        write_json(due.outdated)
        return
    shown = outdated_pages(lake, stocks, due, ReportsFolder(pages_folder(settings, stocks)))
    show(due, shown)
    if (due.stretches or shown.pages) and not dry_run:
        from pipeline.cli.run_reports import finish
        from pipeline.cli.runs import bring_up_to_date

        finish(bring_up_to_date(settings, due, shown))


def show(due: "OutdatedSessions", shown: "Shown") -> None:
    """Show what is outdated and why, and which tables and pages are made again for which sessions."""
    if not due.stretches and not shown.pages:
        say("Everything is up to date with the bars and reference data in the lake, and with today's code.")
        return
    from pipeline.queries.outdated import merged
    from pipeline.venues.us_stocks import US_STOCKS

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
    if shown.pages:
        pages = merged(US_STOCKS, [(session, session) for session in shown.pages])
        say(f"Written again: the pages of {in_words(pages)}.")
    if shown.alert:
        say(f"Corrected, if it says anything else now: the alert of {shown.alert}.")


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
