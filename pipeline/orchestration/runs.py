"""Runs sessions in this process, as a run of the daily job on the instance that the UI shows too."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetKey,
    DagsterError,
    DagsterEventType,
    DagsterExecutionInterruptedError,
    DagsterInstance,
)

from pipeline.definitions import build_definitions, graph_of
from pipeline.errors import PermanentError
from pipeline.lake.lake import Lake
from pipeline.mine.in_force import require_switched_on, stocks_of
from pipeline.orchestration.asset_graph import stage_of
from pipeline.orchestration.instance import open_instance
from pipeline.orchestration.jobs import REFERENCE_DATA, STOCKS_BY_DAY
from pipeline.orchestration.partitions import partitions_of, sessions_over
from pipeline.orchestration.signals import no_signal_lost
from pipeline.progress import Progress
from pipeline.settings import Settings
from pipeline.tables import every_table
from pipeline.venues.us_stocks import US_STOCKS

FailedCheck = AssetCheckEvaluation
"""The evaluation of a check that failed."""

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""The run's log goes to the instance; the terminal shows what `RunReport` takes from it."""


@dataclass(frozen=True)
class Stage:
    """A part of a run that a person waits for."""

    name: str
    seconds: float
    counts: Mapping[str, int]
    """How many files, rows or passed checks it made."""


@dataclass(frozen=True)
class RunReport:
    """What a finished run did."""

    run_id: str
    sessions: tuple[date, ...]
    stages: tuple[Stage, ...]
    warnings: tuple[str, ...]
    changes: tuple[str, ...]
    """Changes in sessions that were written again, in words."""
    failed_checks: tuple[FailedCheck, ...]
    """Checks that failed as errors."""


def runnable_sessions(settings: Settings, start: date, end: date) -> list[date]:
    """Return the sessions from `start` to `end` that have a partition.

    Raises PermanentError when there is none: the days are no sessions, outside the tables' span, or not over yet; and
    MineError as `require_switched_on` does.
    """
    require_switched_on(settings)
    sessions = sessions_over(US_STOCKS, settings, datetime.now(UTC))
    chosen = [session for session in sessions if start <= session <= end]
    if not chosen:
        raise PermanentError(
            f"No session to run from {start} to {end}.",
            remedy=f"The tables span {sessions[0]} to {sessions[-1]}, without weekends and the exchange's holidays; "
            "a session can be run from the midnight after it.",
        )
    return chosen


def refresh_reference(settings: Settings, progress: Progress) -> RunReport:
    """Refresh every table of reference data in one run. Raises as `run_sessions` does."""
    return run_sessions(settings, (), progress, job_name=REFERENCE_DATA)


def run_sessions(  # noqa: PLR0913 (the options of a run)
    settings: Settings,
    sessions: Sequence[date],
    progress: Progress,
    *,
    job_name: str = STOCKS_BY_DAY,
    ops: Mapping[str, Any] | None = None,
    only: Sequence[AssetKey] | None = None,
) -> RunReport:
    """Materialize the assets of the job `job_name` for consecutive `sessions`, in one run.

    A job without partitions gets no session. `ops` is the run configuration of the job's assets; `only` lists the
    assets to materialize, None means all. Raises what the assets raise; a check that fails is in the report instead.
    Raises KeyboardInterrupt on Ctrl-C, with the run marked as failed.
    """
    require_switched_on(settings)
    lake = Lake(settings.lake)
    lake.store.require_safe_commits()
    instance = open_instance(settings.home)
    job = build_definitions(settings, progress, lake).resolve_job_def(job_name)
    run_id = str(uuid4())
    changes_before = len(progress.changes)
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    try:
        config = QUIET | {"ops": dict(ops or {})}
        with no_signal_lost():
            job.execute_in_process(
                instance=instance, run_id=run_id, run_config=config, asset_selection=only, **_partitions(sessions)
            )
    except DagsterExecutionInterruptedError as interrupted:
        raise KeyboardInterrupt from interrupted
    except DagsterError:
        # A blocking check stops a run with an error of Dagster's own; the report names the check.
        if not _failed_checks(instance, run_id):
            raise
    return RunReport(
        run_id=run_id,
        sessions=tuple(sessions),
        stages=_stages(settings, instance, run_id, lake, sessions),
        warnings=tuple(progress.warnings),
        changes=tuple(progress.changes[changes_before:]),
        failed_checks=_failed_checks(instance, run_id),
    )


def _partitions(sessions: Sequence[date]) -> dict[str, Any]:
    if not sessions:
        return {}
    first, last = str(sessions[0]), str(sessions[-1])
    if first == last:
        return {"partition_key": first}
    return {"tags": {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}}


def _checks(instance: DagsterInstance, run_id: str) -> list[AssetCheckEvaluation]:
    logged = instance.all_logs(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
    return [entry.get_dagster_event().asset_check_evaluation_data for entry in logged]


def _failed_checks(instance: DagsterInstance, run_id: str) -> tuple[FailedCheck, ...]:
    evaluations = _checks(instance, run_id)
    return tuple(check for check in evaluations if not check.passed and check.severity == AssetCheckSeverity.ERROR)


def _stages(
    settings: Settings, instance: DagsterInstance, run_id: str, lake: Lake, sessions: Sequence[date]
) -> tuple[Stage, ...]:
    """Return the stages that succeeded, in order, and the checks as the last stage."""
    seconds = _seconds_of_steps(instance, run_id)
    stages = dict[str, Stage]()
    stocks = stocks_of(settings)
    graph = graph_of(stocks, partitions_of(stocks.venue, settings))
    for asset in graph.assets:
        if asset.op.name in seconds:
            stage = stage_of(asset, every_table(stocks))
            before = stages.get(stage.name, Stage(stage.name, 0.0, {}))
            counts = {**before.counts, **stage.counts(lake, sessions)}
            stages[stage.name] = Stage(stage.name, before.seconds + seconds.pop(asset.op.name), counts)
    checks = _checks(instance, run_id)
    counts = {"passed": sum(check.passed for check in checks), "not passed": sum(not check.passed for check in checks)}
    shown = {what: count for what, count in counts.items() if count}
    return (*stages.values(), Stage("checks", sum(seconds.values()), shown))


def _seconds_of_steps(instance: DagsterInstance, run_id: str) -> dict[str, float]:
    """Return the seconds of each step that succeeded. Dagster's own statistics read every event of a long range."""
    began: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for entry in instance.all_logs(run_id, of_type={DagsterEventType.STEP_START, DagsterEventType.STEP_SUCCESS}):
        if entry.step_key and entry.get_dagster_event().event_type == DagsterEventType.STEP_START:
            began[entry.step_key] = entry.timestamp
        elif entry.step_key:
            seconds[entry.step_key] = entry.timestamp - began.get(entry.step_key, entry.timestamp)
    return seconds
