"""Running the daily job in tests, and looking at what the run left in the lake and on the instance."""

import atexit
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any

import polars as pl
from dagster import AssetKey, DagsterEventType, DagsterInstance, ExecuteInProcessResult

from pipeline.contracts.table import Table
from pipeline.definitions import build_definitions
from pipeline.lake.lake import Lake
from pipeline.settings import Settings

TO_BARS = ["raw_day_aggs", "daily_bars", "quarantine", "deliveries"]
SIGNALS = ["indicators", "price_doubts", "candidates"]
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

OPEN = ExitStack()
IDLE: list[DagsterInstance] = []
"""Instances that a test is done with, for the next."""
atexit.register(OPEN.close)


def span_tags(sessions: Sequence[date]) -> dict[str, str]:
    """Return what marks a run as one of a range, as the UI's backfill does."""
    return {
        "dagster/asset_partition_range_start": str(sessions[0]),
        "dagster/asset_partition_range_end": str(sessions[-1]),
    }


def run(
    settings: Settings,
    sessions: Sequence[date],
    *,
    instance: DagsterInstance,
    only: Sequence[str] | None = None,
    raises: bool = True,
    job_name: str = "stocks_by_day",
) -> ExecuteInProcessResult:
    """Run a job, the daily one, for one session or a range.

    With `only`, run those assets of `stocks/`, without their checks: these write nothing and take half of such a run.
    """
    job = build_definitions(settings).resolve_job_def(job_name)
    if only:
        keys = frozenset(AssetKey(["stocks", name]) for name in only)
        job = job.get_subset(asset_selection=keys, asset_check_selection=frozenset())
    return job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=raises, **partitions(sessions))


def run_with_checks(
    settings: Settings,
    sessions: Sequence[date],
    *,
    instance: DagsterInstance,
    only: Sequence[str],
    raises: bool = True,
    job_name: str = "stocks_by_day",
) -> ExecuteInProcessResult:
    """Run some assets of `stocks/`, and their checks."""
    job = build_definitions(settings).resolve_job_def(job_name)
    selection = [AssetKey(["stocks", name]) for name in only]
    return job.execute_in_process(
        instance=instance,
        run_config=QUIET,
        raise_on_error=raises,
        asset_selection=selection,
        **partitions(sessions),
    )


def partitions(sessions: Sequence[date]) -> dict[str, Any]:
    """Return the tags that give a run its sessions."""
    return {"partition_key": str(sessions[0])} if len(sessions) == 1 else {"tags": span_tags(sessions)}


@contextmanager
def instance() -> Iterator[DagsterInstance]:
    """Give an instance that keeps nothing: making its databases takes longer than emptying them."""
    ephemeral = IDLE.pop() if IDLE else OPEN.enter_context(DagsterInstance.ephemeral())
    try:
        yield ephemeral
    finally:
        ephemeral.wipe()
        IDLE.append(ephemeral)


def rows(settings: Settings, table: Table) -> pl.DataFrame:
    """Return all rows of a table, in the order of its key."""
    return Lake(settings.lake).scan(table).sort(table.key).collect()


def failure_of(result: ExecuteInProcessResult) -> str:
    """Return every error of the run's failed steps, causes included."""
    words = []
    for event in result.filter_events(lambda event: event.event_type == DagsterEventType.STEP_FAILURE):
        error = event.step_failure_data.error
        while error is not None:
            words.append(f"{error.cls_name}: {error.message}")
            error = error.cause
    return "\n".join(words)
