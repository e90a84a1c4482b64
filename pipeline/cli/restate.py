"""`candlelake restate`: what was computed from bars or splits that have changed since, computed anew."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.terminal import out, say, shortened

if TYPE_CHECKING:
    from pipeline.queries.outdated import Restatement

MOST_NAMED = 20
"""Causes named before a run; --json names all."""


def restate(
    dry_run: Annotated[bool, typer.Option("--dry-run", metavar="", help="Only name what would run again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Name it as JSON; implies --dry-run.")] = False,
) -> None:
    """Compute anew what rests on splits or bars that have changed since."""
    from pipeline.lake.tables import Lake
    from pipeline.queries.outdated import restatement
    from pipeline.settings import load_settings

    settings = load_settings()
    due = restatement(Lake(settings.lake))
    if as_json:
        from pipeline.cli.rows import write_json

        write_json(due.outdated)
        return
    name(due)
    if due.spans and not dry_run:
        from pipeline.cli.run_reports import finish
        from pipeline.cli.runs import restate_spans

        finish(restate_spans(settings, due.spans))


def name(due: "Restatement") -> None:
    """Tell what is outdated and why, and which sessions will be ranked anew."""
    if not due.spans:
        say("Every indicator follows from the bars and splits that the lake holds.")
        return
    console = out()
    for row in due.outdated.head(MOST_NAMED).iter_rows(named=True):
        console.print(
            f"{shortened(row['ticker']):<8} {row['first_session']} to {row['last_session']}  "
            f"{row['cause']}, {row['event_date']}",
            soft_wrap=True,
        )
    more = len(due.outdated) - MOST_NAMED
    if more > 0:
        say(f"… and {more:,} more; --json names all.", style="dim")
    tickers = due.outdated["ticker"].n_unique()
    spans = ", ".join(f"{first} to {last}" for first, last in due.spans)
    say(
        f"Indicators of {tickers:,} {'ticker' if tickers == 1 else 'tickers'} are outdated; "
        f"the lists of {due.sessions:,} sessions are ranked anew: {spans}."
    )
