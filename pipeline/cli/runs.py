"""`candlelake run` and `candlelake backfill`: sessions from the vendor's file to the ranked candidates."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.dates import parse_date
from pipeline.cli.terminal import ProgressBars, say, say_error

if TYPE_CHECKING:
    from pipeline.execution import RunReport
    from pipeline.settings import Settings


def run(
    day: Annotated[
        date | None,
        typer.Option("--date", parser=parse_date, metavar="YYYY-MM-DD", help="Session; else the latest published."),
    ] = None,
) -> None:
    """Run one session: fetch its file, clean it, compute its indicators, rank its candidates."""
    from datetime import UTC, datetime

    from pipeline.partitions import latest_published
    from pipeline.settings import load_settings

    settings = load_settings()
    session = day or latest_published(datetime.now(UTC), settings.end)
    finish(run_and_show(settings, session, session))


def backfill(
    start: Annotated[date, typer.Option(parser=parse_date, metavar="YYYY-MM-DD", help="First day.")],
    end: Annotated[date, typer.Option(parser=parse_date, metavar="YYYY-MM-DD", help="Last day.")],
) -> None:
    """Run every session of a range in one pass. Days without trading are passed over."""
    from pipeline.settings import load_settings

    finish(run_and_show(load_settings(), start, end))


def run_and_show(settings: "Settings", start: date, end: date) -> "RunReport":
    """Run the sessions from `start` to `end` with bars on stderr, then tell what was done."""
    from pipeline.execution import run_sessions, runnable_sessions

    sessions = runnable_sessions(start, end)
    with ProgressBars() as progress:
        report = run_sessions(settings, sessions, progress)
    for warning in report.warnings:
        say(f"[yellow]warning:[/] {warning}")
    for stage in report.stages:
        say(f"  {stage.name:<28} {stage.seconds:7.2f} s")
    days = f"{sessions[0]}" if len(sessions) == 1 else f"{len(sessions)} sessions, {sessions[0]} to {sessions[-1]}"
    say(f"{days}: run {report.run_id}")
    return report


def finish(report: "RunReport") -> None:
    """End the command: with exit code 1, naming them, when checks failed."""
    for check in report.failed_checks:
        why = "; ".join(f"{name}: {value.value}" for name, value in check.metadata.items())
        say_error(
            f"check {check.check_name} of {check.asset_key.to_user_string()} failed ({why}).",
            "`candlelake status` shows what the tables hold; the run is in the UI with all details.",
        )
    if report.failed_checks:
        raise typer.Exit(1)
