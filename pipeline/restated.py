"""What is computed anew by itself: the jobs over outdated tables, and the watch that asks for them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from dagster import (
    AssetKey,
    AssetsDefinition,
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

from pipeline.assets.minutes import stock_intraday_features
from pipeline.assets.outcomes import model_scores, stock_outcomes
from pipeline.assets.portfolio import marked_positions
from pipeline.assets.signals import stock_candidates, stock_indicators
from pipeline.automation import minutes_by_day, outcomes
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.reference import SPLITS
from pipeline.lake.tables import Lake
from pipeline.market.computed import COMPUTED, code_version
from pipeline.partitions import STOCK_SESSIONS
from pipeline.restatement import Restatement, restatement

UNDER_WAY = [DagsterRunStatus.QUEUED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]

MOST_NAMED = 20
"""Causes named in the log of a tick."""

ONLY_OUTDATED = {stock_indicators.op.name: {"config": {"only_outdated": True}}}
"""Run configuration of the assets that can leave alone what is not outdated."""

restated_signals = define_asset_job(
    "restated_signals",
    selection=AssetSelection.assets(stock_indicators, stock_candidates, marked_positions),
    description="The indicators whose bars, splits or code have changed since, and the lists and signals over them.",
    config={"ops": ONLY_OUTDATED},
    # Explicit, or the range loses the exchange's calendar.
    partitions_def=STOCK_SESSIONS,
    executor_def=in_process_executor,
)

STEPS: tuple[tuple[str, tuple[tuple[AssetsDefinition, ...], ...]], ...] = (
    (minutes_by_day.name, ((stock_intraday_features,),)),
    (restated_signals.name, ((stock_indicators,), (stock_candidates,), (marked_positions,))),
    (outcomes.name, ((stock_outcomes, model_scores),)),
)
"""The jobs that make outdated tables again, each with what it makes together, in the order that one needs the other."""


@dataclass(frozen=True)
class Rerun:
    """One run over sessions that follow one another."""

    job: str
    first: date
    last: date
    assets: tuple[AssetKey, ...]

    @property
    def ops(self) -> dict[str, Any]:
        """Return the run configuration of its assets."""
        return ONLY_OUTDATED if self.job == restated_signals.name else {}


def reruns(due: Restatement) -> list[Rerun]:
    """Return the runs that bring up to date what is `due`, in the order in which to run them."""
    return [
        Rerun(job, stretch.first, stretch.last, assets)
        for stretch in due.stretches
        for job, together in STEPS
        if (assets := _assets(together, stretch.tables))
    ]


def _assets(together: Sequence[Sequence[AssetsDefinition]], due: Sequence[str]) -> tuple[AssetKey, ...]:
    """Return the assets of those that are made together of which some table is due."""
    made = [sorted(key for one in definitions for key in one.keys) for definitions in together]
    return tuple(key for keys in made if {".".join(key.path) for key in keys} & set(due) for key in keys)


@sensor(
    jobs=[restated_signals, minutes_by_day, outcomes],
    minimum_interval_seconds=1800,
    description="Computes anew what rests on splits told late or corrected, on bars replaced since, or on other code.",
)
def changed_past(context: SensorEvaluationContext, lake: ResourceParam[Lake]) -> Iterator[RunRequest | SkipReason]:
    """Name what is outdated, then ask for a run of each span of sessions that it touches."""
    if context.instance.get_run_records(RunsFilter(statuses=UNDER_WAY), limit=1):
        yield SkipReason("A run is under way; what it writes is looked at afterwards.")
        return
    state = looked_at(lake)
    if state == context.cursor:
        yield SkipReason("No table was written and no code changed since the last look.")
        return
    due = restatement(lake)
    name(context, due)
    for one in reruns(due):
        yield request(one, key=f"{state}:{one.job}:{one.first}:{one.last}")
    if not due.stretches:
        yield SkipReason("Everything follows from the bars and splits that the lake holds, and from the code of today.")
    context.update_cursor(state)


def looked_at(lake: Lake) -> str:
    """Return what decides what is outdated: the versions of the tables, and of the code that computes them."""
    tables = [table for table in (SPLITS, DAILY_BARS, *COMPUTED) if lake.exists(table)]
    state = [[table.sql_name, lake.version(table), code_version(table)] for table in tables]
    return sha256(json.dumps(state).encode()).hexdigest()


def name(context: SensorEvaluationContext, due: Restatement) -> None:
    """Log what will run again, and why, before it does."""
    for row in due.outdated.head(MOST_NAMED).iter_rows(named=True):
        whose, when = row["ticker"] or row["table"], f" ({row['event_date']})" if row["event_date"] else ""
        context.log.info(
            f"{whose} is outdated from {row['first_session']} to {row['last_session']}: {row['cause']}{when}."
        )
    if len(due.outdated) > MOST_NAMED:
        context.log.info(f"… and {len(due.outdated) - MOST_NAMED:,} more; `candlelake restate --dry-run` names them.")


def request(rerun: Rerun, *, key: str) -> RunRequest:
    """Return the request for a run."""
    span = {
        "dagster/asset_partition_range_start": str(rerun.first),
        "dagster/asset_partition_range_end": str(rerun.last),
    }
    return RunRequest(run_key=key, job_name=rerun.job, tags=span, asset_selection=rerun.assets)
