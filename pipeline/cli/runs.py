"""`candlelake run` and `candlelake backfill`: sessions from the vendor's file to the ranked candidates."""

import gc
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.dates import parse_date, require_order, require_session
from pipeline.cli.progress import shown_progress
from pipeline.cli.reference import refresh_if_stale
from pipeline.cli.run_reports import finish, tell
from pipeline.cli.terminal import say_warning
from pipeline.errors import NotPublished

if TYPE_CHECKING:
    from pipeline.orchestration.runs import RunReport
    from pipeline.queries.outdated import OutdatedSessions
    from pipeline.queries.outdated_pages import Shown
    from pipeline.settings import Settings

MOST_LISTED = 10
"""Sessions listed in one message; the rest is counted."""


def run(
    day: Annotated[
        date | None,
        typer.Option("--date", parser=parse_date, metavar="YYYY-MM-DD", help="Session; else the latest available."),
    ] = None,
) -> None:
    """Run one session, from the vendor's file to the candidates."""
    if day is not None:
        require_session(day)
    load_pipeline()
    from datetime import UTC, datetime

    from pipeline.orchestration.partitions import latest_over
    from pipeline.settings import load_settings
    from pipeline.sources.choose import Sources
    from pipeline.venues.us_stocks import US_STOCKS

    settings = load_settings()
    # With a REST key, a session is available before its file.
    latest = latest_over if settings.rest_key else Sources(settings).publication.newest
    session = day or latest(US_STOCKS, datetime.now(UTC), settings.end)
    finish(run_and_show(settings, session, session))


def backfill(
    start: Annotated[date, typer.Option(parser=parse_date, metavar="YYYY-MM-DD", help="First day.")],
    end: Annotated[date, typer.Option(parser=parse_date, metavar="YYYY-MM-DD", help="Last day.")],
    skip_missing: Annotated[
        bool,
        typer.Option("--skip-missing", metavar="", help="Run the sessions that have a file, and leave out the others."),
    ] = False,
) -> None:
    """Run every session of a range in one pass."""
    require_order(start, end)
    load_pipeline()
    from pipeline.settings import load_settings

    settings = load_settings()
    if skip_missing:
        finish(run_around_gaps(settings, start, end))
    else:
        finish(run_and_show(settings, start, end))


def load_pipeline() -> None:
    """Import everything that a run needs, with garbage collection off.

    The import makes hundreds of thousands of objects that stay forever: collecting among them would take a quarter of
    the loading time. They are frozen afterwards, so that runs do not collect among them either.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        import pipeline.orchestration.patches.event_log
        import pipeline.orchestration.runs  # noqa: F401
    finally:
        if was_enabled:
            gc.enable()
    if not gc.get_freeze_count():  # once per process: later garbage must be found
        gc.freeze()


def run_and_show(settings: "Settings", start: date, end: date) -> list["RunReport"]:
    """Run the sessions from `start` to `end` as one range, and report the run.

    Raises NotPublished with the sessions that have no file; then nothing was run.
    """
    from pipeline.orchestration.runs import runnable_sessions
    from pipeline.sources.port import PUBLICATION

    sessions = runnable_sessions(settings, start, end)
    missing = sorted(set(sessions) - sessions_with_file(settings, sessions))
    if missing and not settings.rest_key:
        raise NotPublished(
            f"{len(missing):,} of {len(sessions):,} sessions have no file: {first_sessions(missing)}.",
            remedy=f"{PUBLICATION.words}; with CANDLELAKE_REST_KEY set, the "
            "REST API stands in until then. `candlelake backfill --skip-missing` runs the sessions around a gap.",
        )
    return run_stretches(settings, [sessions])


def run_around_gaps(settings: "Settings", start: date, end: date) -> list["RunReport"]:
    """Run the sessions from `start` to `end` that have a file, each unbroken stretch as one range.

    Raises NotPublished when no session has a file.
    """
    from pipeline.orchestration.runs import runnable_sessions

    sessions = runnable_sessions(settings, start, end)
    with_file = sessions_with_file(settings, sessions)
    missing = [session for session in sessions if session not in with_file]
    if not with_file:
        raise NotPublished(
            f"None of the {len(sessions):,} sessions has a file.",
            remedy="`candlelake doctor` shows what the source of day files has.",
        )
    if missing:
        say_warning(
            f"{len(missing):,} of {len(sessions):,} sessions have no file and are left out: {first_sessions(missing)}."
        )
    return run_stretches(settings, list(stretches(sessions, with_file)))


def sessions_with_file(settings: "Settings", sessions: Sequence[date]) -> set[date]:
    """Return the `sessions` that have a file in the source, without reading any; all, where the source has no files."""
    from pipeline.sources.choose import Sources
    from pipeline.sources.port import Dataset

    sources = Sources(settings)
    source = sources.flat_files()
    if not sources.has_flat_files:
        return set(sessions)
    years = range(sessions[0].year, sessions[-1].year + 1)
    return set(sessions) & {session for year in years for session in source.sessions(Dataset.DAY_AGGS, year)}


def stretches(sessions: Sequence[date], chosen: set[date]) -> Iterator[list[date]]:
    """Yield `chosen` sessions as lists of neighbours."""
    stretch: list[date] = []
    for session in sessions:
        if session in chosen:
            stretch.append(session)
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def run_stretches(settings: "Settings", ranges: Sequence[Sequence[date]]) -> list["RunReport"]:
    """Run each range in turn, with fresh reference data, then report all runs."""
    reports = [*refresh_if_stale(settings), *run_ranges(settings, ranges)]
    tell(reports)
    return reports


def run_ranges(settings: "Settings", ranges: Sequence[Sequence[date]], **job: Any) -> list["RunReport"]:
    """Run each range in turn; stop after a range with failed checks.

    `job` are the arguments of `run_sessions` for another job than the daily one.
    """
    from pipeline.orchestration.runs import run_sessions

    reports: list[RunReport] = []
    with shown_progress() as progress:
        for sessions in ranges:
            reports.append(run_sessions(settings, sessions, progress, **job))
            if reports[-1].failed_checks:
                break
    return reports


def bring_up_to_date(settings: "Settings", due: "OutdatedSessions", shown: "Shown") -> list["RunReport"]:
    """Compute outdated sessions and write their pages again, run by run, then report all runs."""
    from pipeline.mine.in_force import stocks_of
    from pipeline.orchestration.reruns import reruns
    from pipeline.orchestration.runs import runnable_sessions

    reports: list[RunReport] = []
    for rerun in reruns(stocks_of(settings), due, shown):
        sessions = runnable_sessions(settings, rerun.first, rerun.last)
        reports += run_ranges(settings, [sessions], job_name=rerun.job, ops=rerun.ops, only=rerun.assets)
        if reports[-1].failed_checks:
            break
    tell(reports)
    return reports


def first_sessions(sessions: Sequence[date]) -> str:
    """Return the first sessions as text, and how many more there are."""
    more = f" and {len(sessions) - MOST_LISTED:,} more" if len(sessions) > MOST_LISTED else ""
    return ", ".join(str(session) for session in sessions[:MOST_LISTED]) + more
