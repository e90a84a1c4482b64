"""What is computed anew by itself: the job over outdated indicators and their lists, and the watch that asks for it."""

import json
from collections.abc import Iterator
from datetime import date

from dagster import (
    AssetSelection,
    DagsterRunStatus,
    ResourceParam,
    RunRequest,
    RunsFilter,
    SensorEvaluationContext,
    SkipReason,
    define_asset_job,
    in_process_executor,
    sensor,
)

from pipeline.assets.signals import stock_candidates, stock_indicators
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.reference import SPLITS
from pipeline.lake.tables import Lake
from pipeline.market.indicators import INDICATORS_TABLE
from pipeline.orchestration.partitions import STOCK_SESSIONS
from pipeline.queries.outdated import Restatement, restatement

UNDER_WAY = [DagsterRunStatus.QUEUED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]

MOST_NAMED = 20
"""Causes named in the log of a tick."""

ONLY_OUTDATED = {stock_indicators.op.name: {"config": {"only_outdated": True}}}
"""Run configuration of the job's assets."""

restated_signals = define_asset_job(
    "restated_signals",
    selection=AssetSelection.assets(stock_indicators, stock_candidates),
    description="The indicators whose bars or splits have changed since they were computed, and the lists over them.",
    config={"ops": ONLY_OUTDATED},
    # Explicit, or the range loses the exchange's calendar.
    partitions_def=STOCK_SESSIONS,
    executor_def=in_process_executor,
)


@sensor(
    job=restated_signals,
    minimum_interval_seconds=1800,
    description="Computes anew what rests on splits told late or corrected, and on bars that were replaced since.",
)
def changed_past(context: SensorEvaluationContext, lake: ResourceParam[Lake]) -> Iterator[RunRequest | SkipReason]:
    """Name what is outdated, then ask for a run of each span of sessions that it touches."""
    if context.instance.get_run_records(RunsFilter(statuses=UNDER_WAY), limit=1):
        yield SkipReason("A run is under way; what it writes is looked at afterwards.")
        return
    versions = json.dumps(
        [lake.read(table).version for table in (SPLITS, DAILY_BARS, INDICATORS_TABLE) if lake.exists(table)]
    )
    if versions == context.cursor:
        yield SkipReason("Neither bars nor splits nor indicators were written since the last look.")
        return
    due = restatement(lake)
    name(context, due)
    for first, last in due.spans:
        yield run_of(first, last, key=f"{versions}:{first}:{last}")
    if not due.spans:
        yield SkipReason("Every indicator follows from the bars and splits that the lake holds.")
    context.update_cursor(versions)


def name(context: SensorEvaluationContext, due: Restatement) -> None:
    """Log what will run again, and why, before it does."""
    for row in due.outdated.head(MOST_NAMED).iter_rows(named=True):
        context.log.info(
            f"{row['ticker']} is outdated from {row['first_session']} to {row['last_session']}: {row['cause']} "
            f"({row['event_date']})."
        )
    if len(due.outdated) > MOST_NAMED:
        context.log.info(f"… and {len(due.outdated) - MOST_NAMED:,} more; `candlelake restate --dry-run` names them.")


def run_of(first: date, last: date, *, key: str) -> RunRequest:
    """Return the request for one run over the sessions `first` … `last`."""
    span = {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)}
    return RunRequest(run_key=key, tags=span)
