"""`candlelake run` and `candlelake backfill`: sessions from the vendor's file to the ranked candidates."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.dates import parse_date, require_order, require_session
from pipeline.cli.progress import shown_progress
from pipeline.cli.reference import brought_up_to_date
from pipeline.cli.terminal import say, say_error, say_warning
from pipeline.errors import NotPublished

if TYPE_CHECKING:
    from dagster import AssetCheckEvaluation

    from pipeline.execution import RunReport
    from pipeline.settings import Settings

CHECKS = "checks"
"""The stage that is told last: every run ends with its own."""

NAMED = 10
"""Sessions named in one message; the rest is counted."""


def run(
    day: Annotated[
        date | None,
        typer.Option("--date", parser=parse_date, metavar="YYYY-MM-DD", help="Session; else the latest there is."),
    ] = None,
) -> None:
    """Run one session, from the vendor's file to the candidates."""
    if day is not None:
        require_session(day)
    from datetime import UTC, datetime

    from pipeline.partitions import latest_over, latest_published
    from pipeline.settings import load_settings

    settings = load_settings()
    # With a REST key, a session is there before its file.
    latest = latest_over if settings.rest_key else latest_published
    session = day or latest(datetime.now(UTC), settings.end)
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
    if missing and not settings.rest_key:
        raise NotPublished(
            f"{len(missing):,} of {len(sessions):,} sessions have no file: {named(missing)}.",
            remedy="A session's file comes by about 11:00 New York on the next day; with CANDLELAKE_REST_KEY set, the "
            "REST API stands in until then. `candlelake backfill --skip-missing` runs the sessions around a gap.",
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
    """Return those of `sessions` that have a file in the source; no file is read. Where there are no files, all."""
    from pipeline.sources.choose import NO_FLAT_FILES, flat_files_of
    from pipeline.sources.flat_files import Dataset

    source = flat_files_of(settings)
    if settings.flat_files == NO_FLAT_FILES:
        return set(sessions)
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
    """Run each range in turn, over reference data of the day, then tell what was done in all of them."""
    reports = [*brought_up_to_date(settings), *run_ranges(settings, ranges)]
    tell(reports)
    return reports


def run_ranges(settings: "Settings", ranges: Sequence[Sequence[date]], **job: Any) -> list["RunReport"]:
    """Run each range in turn; stops at a range that a check stopped.

    `job` names another job than the daily one, as `run_sessions` takes it.
    """
    from pipeline.execution import run_sessions

    reports: list[RunReport] = []
    with shown_progress() as progress:
        for sessions in ranges:
            reports.append(run_sessions(settings, sessions, progress, **job))
            if reports[-1].failed_checks:
                break
    return reports


def tell(reports: Sequence["RunReport"]) -> None:
    """Tell what runs warned of, each thing once, and what they did."""
    for warning in dict.fromkeys(warning for report in reports for warning in report.warnings):
        say_warning(warning)
    summarize(reports)


def restate_spans(settings: "Settings", spans: Sequence[tuple[date, date]]) -> list["RunReport"]:
    """Compute anew what is outdated in each span of sessions, then tell what was done in all of them."""
    from pipeline.execution import runnable_sessions
    from pipeline.restated import ONLY_OUTDATED, restated_signals

    ranges = [runnable_sessions(first, last) for first, last in spans]
    reports = run_ranges(settings, ranges, job_name=restated_signals.name, ops=ONLY_OUTDATED)
    tell(reports)
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
    if CHECKS in written:
        written[CHECKS] = written.pop(CHECKS)
    for name, sums in written.items():
        made = ", ".join(counted(count, what) for what, count in sums.items())
        say(f"  {name:<12}{made:<36}{seconds[name]:8.1f} s")
    if changes := "; ".join(words for report in reports for words in report.changes):
        say(f"  changed     {changes}")
    ranged = [report for report in reports if report.sessions]
    if not ranged:
        return
    sessions = [session for report in ranged for session in report.sessions]
    days = f"{sessions[0]}" if len(sessions) == 1 else f"{len(sessions):,} sessions, {sessions[0]} to {sessions[-1]}"
    runs = f"run {ranged[0].run_id}" if len(ranged) == 1 else f"{len(ranged)} runs"
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
