"""What runs when something changes: vendor files, and the past that indicators rest on."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

from dagster import (
    DagsterRunStatus,
    ResourceParam,
    RunRequest,
    RunsFilter,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.reference import SPLITS
from pipeline.errors import TableMissing
from pipeline.lake.tables import Lake
from pipeline.market.indicators import INDICATORS_TABLE
from pipeline.orchestration.jobs import restated_signals, stocks_by_day
from pipeline.orchestration.partitions import (
    last_day_over,
    latest_published,
)
from pipeline.queries.outdated import Restatement, restatement
from pipeline.settings import Settings
from pipeline.sources.massive.rest_days import NoFlatFiles
from pipeline.sources.port import Dataset, FlatFile, FlatFiles
from pipeline.venues.calendar import new_york

MOST_RUNS_A_TICK = 20
"""Runs the watch asks for at a time; what is left comes with the next tick."""

UNDER_WAY = [DagsterRunStatus.QUEUED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]

MOST_NAMED = 20
"""Causes named in the log of a tick."""


@sensor(
    job=stocks_by_day,
    minimum_interval_seconds=600,
    description="Runs the sessions whose file is new, late, or replaced by the vendor; each version once.",
)
def vendor_files(
    context: SensorEvaluationContext,
    lake: ResourceParam[Lake],
    flat_files: ResourceParam[FlatFiles],
    settings: ResourceParam[Settings],
) -> Iterator[RunRequest | SkipReason]:
    """Ask for a run of every session whose published version the tables do not come from, a morning edition as well."""
    if isinstance(flat_files, NoFlatFiles):
        yield SkipReason("CANDLELAKE_FLAT_FILES is rest: there are no files to watch. The schedules ask the REST API.")
        return
    held = versions_held(lake)
    now = datetime.now(UTC)
    first = max(min(held, default=latest_published(now, settings.end)), settings.start)
    # Asking for a session without a partition would fail the whole tick.
    listed = flat_files.files(Dataset.DAY_AGGS, first, last_day_over(now, settings.end))
    waiting = due(listed, held)
    context.log.info(f"{len(waiting)} of {len(listed)} published sessions since {first} are new or replaced.")
    if not waiting:
        yield SkipReason(f"The tables come from the published version of every session since {first}.")
    for file in waiting[:MOST_RUNS_A_TICK]:
        yield RunRequest(run_key=f"{file.session}:{file.etag}", partition_key=str(file.session))


def versions_held(lake: Lake) -> dict[date, str]:
    """Return the version (ETag) of the file that each session's rows come from; empty before the first run."""
    try:
        current = lake.scan(DELIVERIES, columns=["session", "etag", "is_current"]).filter("is_current").collect()
    except TableMissing:
        return {}
    return dict(current.select("session", "etag").iter_rows())


def due(listed: Sequence[FlatFile], held: Mapping[date, str]) -> list[FlatFile]:
    """Return the published files of sessions whose rows come from no or another version, the oldest first."""
    sessions = (file for file in listed if new_york().is_session(file.session))
    return [file for file in sessions if held.get(file.session) != file.etag]


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
