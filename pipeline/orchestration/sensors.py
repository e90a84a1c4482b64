"""Runs that start when something changes: vendor files, or the past data that indicators were computed from."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256

from dagster import (
    DagsterRunStatus,
    ResourceParam,
    RunRequest,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from pipeline.contracts.table import Table
from pipeline.errors import TableMissing
from pipeline.lake.lake import Lake
from pipeline.market.computed import code_version, computations
from pipeline.market.market import Market
from pipeline.orchestration.jobs import Jobs
from pipeline.orchestration.partitions import (
    last_day_over,
    latest_published,
)
from pipeline.orchestration.reruns import Rerun, reruns
from pipeline.queries.outdated import OutdatedSessions, outdated_sessions
from pipeline.settings import Settings
from pipeline.sources.massive.rest_days import NoFlatFiles
from pipeline.sources.port import Dataset, FlatFile, FlatFiles

MOST_RUNS_A_TICK = 20
"""Runs that the sensor requests at a time; the rest follows with the next tick."""

UNDER_WAY = [DagsterRunStatus.QUEUED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]

MOST_NAMED = 20
"""Causes named in the log of a tick."""


def sensors_of(stocks: Market, jobs: Jobs) -> list[SensorDefinition]:
    """Return the sensors over `stocks`."""

    @sensor(
        job=jobs.stocks_by_day,
        minimum_interval_seconds=600,
        description="Runs the sessions whose file is new, late, or replaced by the vendor; each version once.",
    )
    def vendor_files(
        context: SensorEvaluationContext,
        lake: ResourceParam[Lake],
        flat_files: ResourceParam[FlatFiles],
        settings: ResourceParam[Settings],
    ) -> Iterator[RunRequest | SkipReason]:
        """Request a run of every session whose rows do not come from its published file, such as a morning edition."""
        if isinstance(flat_files, NoFlatFiles):
            yield SkipReason(
                "CANDLELAKE_FLAT_FILES is rest: there are no files to watch. The schedules query the REST API."
            )
            return
        stored_versions = stored_versions_of(lake, stocks.deliveries)
        now = datetime.now(UTC)
        first = max(min(stored_versions, default=latest_published(stocks.venue, now, settings.end)), settings.start)
        # Requesting a session without a partition would fail the whole tick.
        listed = flat_files.files(Dataset.DAY_AGGS, first, last_day_over(stocks.venue, now, settings.end))
        waiting = due(stocks, listed, stored_versions)
        context.log.info(f"{len(waiting)} of {len(listed)} published sessions since {first} are new or replaced.")
        if not waiting:
            yield SkipReason(f"The tables come from the published version of every session since {first}.")
        for file in waiting[:MOST_RUNS_A_TICK]:
            yield RunRequest(run_key=f"{file.session}:{file.etag}", partition_key=str(file.session))

    @sensor(
        jobs=[jobs.restated_signals, jobs.minutes_by_day, jobs.outcomes],
        minimum_interval_seconds=1800,
        description="Computes outdated sessions again: after late or corrected splits, replaced bars, or changed code.",
    )
    def changed_past(context: SensorEvaluationContext, lake: ResourceParam[Lake]) -> Iterator[RunRequest | SkipReason]:
        """Log the outdated sessions, then request a run for each span of them."""
        if context.instance.get_run_records(RunsFilter(statuses=UNDER_WAY), limit=1):
            yield SkipReason("A run is under way; its changes are checked afterwards.")
            return
        state = state_of(lake, stocks)
        if state == context.cursor:
            yield SkipReason("No table was written and no code changed since the last check.")
            return
        due = outdated_sessions(lake, stocks)
        log_causes(context, due)
        for rerun in reruns(stocks, due):
            yield request(rerun, key=f"{state}:{rerun.job}:{rerun.first}:{rerun.last}")
        if not due.stretches:
            yield SkipReason("Everything is up to date with the bars and splits in the lake, and with today's code.")
        context.update_cursor(state)

    return [vendor_files, changed_past]


def stored_versions_of(lake: Lake, trail: Table) -> dict[date, str]:
    """Return the version (ETag) of the file behind each session's rows; empty before the first run."""
    try:
        current = lake.scan(trail, columns=["session", "etag", "is_current"]).filter("is_current").collect()
    except TableMissing:
        return {}
    return dict(current.select("session", "etag").iter_rows())


def due(stocks: Market, listed: Sequence[FlatFile], stored_versions: Mapping[date, str]) -> list[FlatFile]:
    """Return the published files of sessions whose rows come from another version or none, the oldest first."""
    sessions = (file for file in listed if stocks.calendar.is_session(file.session))
    return [file for file in sessions if stored_versions.get(file.session) != file.etag]


def state_of(lake: Lake, stocks: Market) -> str:
    """Return a hash of what makes sessions outdated: the versions of the tables and of the code that computes them."""
    computed = computations(stocks)
    events = {event.table: None for computation in computed.values() for event in computation.events}
    tables = [table for table in (*events, stocks.bars, *computed) if lake.exists(table)]
    state = [[table.sql_name, lake.version(table), code_version(stocks, table)] for table in tables]
    return sha256(json.dumps(state).encode()).hexdigest()


def log_causes(context: SensorEvaluationContext, due: OutdatedSessions) -> None:
    """Log which sessions will run again, and why."""
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
