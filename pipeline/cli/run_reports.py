"""Reports of runs for people: counts and times of each stage, warnings, and failed checks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from pipeline.cli.terminal import count_text, say, say_error, say_warning

if TYPE_CHECKING:
    from pipeline.orchestration.runs import FailedCheck, RunReport

CHECKS = "checks"
"""The stage that is shown last: every run ends with its own."""


def tell(reports: Sequence["RunReport"]) -> None:
    """Show the warnings of runs, each one once, and what they did."""
    for warning in dict.fromkeys(warning for report in reports for warning in report.warnings):
        say_warning(warning)
    summarize(reports)


def summarize(reports: Sequence["RunReport"]) -> None:
    """Show the counts and the time of each stage, summed over the runs."""
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
        counts = ", ".join(count_text(count, what) for what, count in sums.items())
        say(f"  {name:<12}{counts:<36}{seconds[name]:8.1f} s")
    if changes := "; ".join(words for report in reports for words in report.changes):
        say(f"  changed     {changes}")
    ranged = [report for report in reports if report.sessions]
    if not ranged:
        return
    sessions = sorted({session for report in ranged for session in report.sessions})
    days = f"{sessions[0]}" if len(sessions) == 1 else f"{len(sessions):,} sessions, {sessions[0]} to {sessions[-1]}"
    runs = f"run {ranged[0].run_id}" if len(ranged) == 1 else count_text(len(ranged), "runs")
    say(f"{days} ({runs})", style="dim")


def finish(reports: Sequence["RunReport"]) -> None:
    """Exit with code 1 when checks failed, after showing them."""
    failed = [check for report in reports for check in report.failed_checks]
    for check in failed:
        say_error(
            f"check {check.check_name} of {check.asset_key.to_user_string()} failed ({why(check)}).",
            "`candlelake status` shows what the tables hold, `candlelake ui` the run with all details.",
        )
    if failed:
        raise typer.Exit(1)


def why(check: "FailedCheck") -> str:
    """Return the result of a check in one line: its numbers and texts, without its tables."""
    entries = ((name, value.value) for name, value in check.metadata.items())
    return "; ".join(
        f"{name.replace('_', ' ')}: {value}" for name, value in entries if isinstance(value, str | int | float)
    )
