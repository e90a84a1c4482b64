"""`candlelake run` and `candlelake backfill`: sessions from the vendor's file to the ranked candidates."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.dates import parse_date, require_order, require_session
from pipeline.cli.progress import shown_progress
from pipeline.cli.terminal import say, say_error, say_warning
from pipeline.errors import NotPublished

if TYPE_CHECKING:
    from dagster import AssetCheckEvaluation

    from pipeline.execution import RunReport
    from pipeline.settings import Settings

NAMED = 10
"""Sessions named in one message; the rest is counted."""


def run(
    day: Annotated[
        date | None,
        typer.Option("--date", parser=parse_date, metavar="YYYY-MM-DD", help="Session; else the latest published."),
    ] = None,
) -> None:
    """Run one session, from the vendor's file to the candidates."""
    if day is not None:
        require_session(day)
    from datetime import UTC, datetime

    from pipeline.partitions import latest_published
    from pipeline.settings import load_settings

    settings = load_settings()
    session = day or latest_published(datetime.now(UTC), settings.end)
    finish(run_and_show(settings, session, session))


def backfill(
    start: Annotated[date, typer.Option(parser=parse_date, metavar="YYYY-MM-DD", help="First day.")],
    end: Annotated[date, typer.Option(parser=parse_date, metavar="YYYY-MM-DD", help="Last day.")],
    skip_missing: Annotated[
        bool,
        typer.Option(
            "--skip-missing", metavar="", help="Run the sessions that have a file, around those that have none."
        ),
    ] = False,
) -> None:
    """Run every session of a range in one pass."""
    require_order(start, end)
    from pipeline.settings import load_settings

    settings = load_settings()
    if skip_missing:
        finish(run_around_gaps(settings, start, end))
    else:
        finish(run_and_show(settings, start, end))


def run_and_show(settings: "Settings", start: date, end: date) -> list["RunReport"]:
    """Run the sessions from `start` to `end` as one range, and tell what was done.

    Raises NotPublished, naming them, when sessions have no file; nothing was run then.
    """
    from pipeline.execution import runnable_sessions

    sessions = runnable_sessions(start, end)
    missing = sorted(set(sessions) - published(settings, sessions))
    if missing:
        raise NotPublished(
            f"{len(missing):,} of {len(sessions):,} sessions have no file: {named(missing)}.",
            remedy="A session's file comes by about 11:00 New York on the next day. `candlelake backfill "
            "--skip-missing` runs the sessions around a gap.",
        )
    return run_stretches(settings, [sessions])


def run_around_gaps(settings: "Settings", start: date, end: date) -> list["RunReport"]:
    """Run the sessions from `start` to `end` that have a file, each unbroken stretch as one range.

    Raises NotPublished when none of them has.
    """
    from pipeline.execution import runnable_sessions

    sessions = runnable_sessions(start, end)
    there = published(settings, sessions)
    missing = [session for session in sessions if session not in there]
    if not there:
        raise NotPublished(
            f"None of the {len(sessions):,} sessions has a file.",
            remedy="`candlelake doctor` shows what the source of day files holds.",
        )
    if missing:
        say_warning(f"{len(missing):,} of {len(sessions):,} sessions have no file and are left out: {named(missing)}.")
    return run_stretches(settings, list(stretches(sessions, there)))


def published(settings: "Settings", sessions: Sequence[date]) -> set[date]:
    """Return those of `sessions` that have a file in the source; no file is read."""
    from pipeline.sources.choose import flat_files_of
    from pipeline.sources.flat_files import Dataset

    source = flat_files_of(settings)
    years = range(sessions[0].year, sessions[-1].year + 1)
    return set(sessions) & {session for year in years for session in source.sessions(Dataset.DAY_AGGS, year)}


def stretches(sessions: Sequence[date], wanted: set[date]) -> Iterator[list[date]]:
    """Yield the wanted sessions in runs of neighbours."""
    stretch: list[date] = []
    for session in sessions:
        if session in wanted:
            stretch.append(session)
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def run_stretches(settings: "Settings", ranges: Sequence[Sequence[date]]) -> list["RunReport"]:
    """Run each range in turn, then tell what was done in all of them. Stops at a range that a check stopped."""
    from pipeline.execution import run_sessions

    reports: list[RunReport] = []
    with shown_progress() as progress:
        for sessions in ranges:
            reports.append(run_sessions(settings, sessions, progress))
            if reports[-1].failed_checks:
                break
    for report in reports:
        for warning in report.warnings:
            say_warning(warning)
    summarize(reports)
    return reports


def summarize(reports: Sequence["RunReport"]) -> None:
    """Tell the counts and the time of each stage, summed over the runs."""
    seconds: dict[str, float] = {}
    written: dict[str, dict[str, int]] = {}
    for stage in (stage for report in reports for stage in report.stages):
        seconds[stage.name] = seconds.get(stage.name, 0) + stage.seconds
        sums = written.setdefault(stage.name, {})
        for what, count in stage.counts.items():
            sums[what] = sums.get(what, 0) + count
    for name, sums in written.items():
        made = ", ".join(counted(count, what) for what, count in sums.items())
        say(f"  {name:<12}{made:<36}{seconds[name]:8.1f} s")
    sessions = [session for report in reports for session in report.sessions]
    days = f"{sessions[0]}" if len(sessions) == 1 else f"{len(sessions):,} sessions, {sessions[0]} to {sessions[-1]}"
    runs = f"run {reports[0].run_id}" if len(reports) == 1 else f"{len(reports)} runs"
    say(f"{days} ({runs})", style="dim")


def counted(count: int, what: str) -> str:
    """Return a count in words: `1 file`, `2,385 files`, `8 passed`."""
    return f"{count:,} {what.removesuffix('s') if count == 1 else what}"


def finish(reports: Sequence["RunReport"]) -> None:
    """End the command: with exit code 1, naming them, when checks failed."""
    failed = [check for report in reports for check in report.failed_checks]
    for check in failed:
        say_error(
            f"check {check.check_name} of {check.asset_key.to_user_string()} failed ({why(check)}).",
            "`candlelake status` shows what the tables hold, `candlelake ui` the run with all details.",
        )
    if failed:
        raise typer.Exit(1)


def why(check: "AssetCheckEvaluation") -> str:
    """Return what a check found, in one line: its numbers and words, without its tables."""
    found = ((name, value.value) for name, value in check.metadata.items())
    return "; ".join(
        f"{name.replace('_', ' ')}: {value}" for name, value in found if isinstance(value, str | int | float)
    )


def named(sessions: Sequence[date]) -> str:
    """Return the first sessions by name, and how many more there are."""
    more = f" and {len(sessions) - NAMED:,} more" if len(sessions) > NAMED else ""
    return ", ".join(str(session) for session in sessions[:NAMED]) + more
