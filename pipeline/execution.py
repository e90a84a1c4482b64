"""Running sessions in this process, as a run of the daily job on the instance that the UI shows too."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import uuid4

from dagster import AssetCheckEvaluation, AssetCheckSeverity, DagsterError, DagsterEventType, DagsterInstance

from pipeline.automation import stocks_by_day
from pipeline.definitions import build_definitions
from pipeline.errors import PermanentError
from pipeline.instance import open_instance
from pipeline.partitions import STOCK_SESSIONS
from pipeline.progress import Progress
from pipeline.settings import Settings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""The run's own log goes to the instance; the terminal gets what `RunReport` picks from it."""


@dataclass(frozen=True)
class Stage:
    """One step of a run: an asset or a check."""

    name: str
    seconds: float
    rows: int | None
    """Rows written, for the stages that write."""


@dataclass(frozen=True)
class RunReport:
    """What a finished run did."""

    run_id: str
    sessions: tuple[date, ...]
    stages: tuple[Stage, ...]
    warnings: tuple[str, ...]
    failed_checks: tuple[AssetCheckEvaluation, ...]
    """Checks that failed as errors."""


def runnable_sessions(start: date, end: date) -> list[date]:
    """Return the sessions from `start` to `end` that have a partition.

    Raises PermanentError when there is none: the days are no sessions, outside the tables' span, or not over yet.
    """
    sessions = [date.fromisoformat(key) for key in STOCK_SESSIONS.get_partition_keys()]
    chosen = [session for session in sessions if start <= session <= end]
    if not chosen:
        raise PermanentError(
            f"No session to run from {start} to {end}.",
            remedy=f"The tables span {sessions[0]} to {sessions[-1]}, without weekends and the exchange's holidays; "
            "a session can be run from the midnight after it.",
        )
    return chosen


def run_sessions(settings: Settings, sessions: Sequence[date], progress: Progress) -> RunReport:
    """Materialize every table of stocks by day for `sessions`, which follow one another, in one run.

    Raises what the assets raise; a check that fails is in the report instead.
    """
    instance = open_instance(settings.home)
    job = build_definitions(settings, progress).resolve_job_def(stocks_by_day.name)
    run_id = str(uuid4())
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    try:
        job.execute_in_process(instance=instance, run_id=run_id, run_config=QUIET, **_partitions(sessions))
    except DagsterError:
        # A blocking check stops a run by an error of Dagster's own; the report names the check.
        if not _failed_checks(instance, run_id):
            raise
    return RunReport(
        run_id=run_id,
        sessions=tuple(sessions),
        stages=_stages(instance, run_id),
        warnings=_warnings(instance, run_id),
        failed_checks=_failed_checks(instance, run_id),
    )


def _partitions(sessions: Sequence[date]) -> dict[str, object]:
    first, last = str(sessions[0]), str(sessions[-1])
    if first == last:
        return {"partition_key": first}
    return {"tags": {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}}


def _failed_checks(instance: DagsterInstance, run_id: str) -> tuple[AssetCheckEvaluation, ...]:
    logged = instance.all_logs(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
    evaluations = [entry.get_dagster_event().asset_check_evaluation_data for entry in logged]
    return tuple(one for one in evaluations if not one.passed and one.severity == AssetCheckSeverity.ERROR)


def _warnings(instance: DagsterInstance, run_id: str) -> tuple[str, ...]:
    logged = instance.all_logs(run_id)
    return tuple(
        entry.user_message for entry in logged if not entry.is_dagster_event and entry.level == logging.WARNING
    )


def _stages(instance: DagsterInstance, run_id: str) -> tuple[Stage, ...]:
    return tuple(
        Stage(step.step_key, (step.end_time or 0) - (step.start_time or 0), None)
        for step in instance.get_run_step_stats(run_id)
    )
