"""What runs by itself: the daily job and its schedule, the watch over the vendor's files, and maintenance."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

from dagster import (
    AssetSelection,
    ResourceParam,
    RunRequest,
    ScheduleDefinition,
    SensorEvaluationContext,
    SkipReason,
    build_schedule_from_partitioned_job,
    define_asset_job,
    in_process_executor,
    sensor,
)

from pipeline.contracts.deliveries import DELIVERIES
from pipeline.errors import TableMissing
from pipeline.lake.tables import Lake
from pipeline.market.calendar import new_york
from pipeline.partitions import PUBLISHED_AT, STOCK_SESSIONS, last_day_over, latest_published
from pipeline.settings import Settings
from pipeline.sources.flat_files import Dataset, FlatFile, FlatFiles

MOST_RUNS_A_TICK = 20
"""Runs the watch asks for at a time; what is left comes with the next tick."""

stocks_by_day = define_asset_job(
    "stocks_by_day",
    selection=AssetSelection.groups("raw", "bars", "signals") | AssetSelection.assets(["operations", "sql_catalog"]),
    description="One session, or a range of them, from the vendor's file to the ranked candidates.",
    # Explicit, or the schedule loses the exchange's calendar and repeats a session on weekends.
    partitions_def=STOCK_SESSIONS,
    executor_def=in_process_executor,
)

maintenance = define_asset_job(
    "maintenance",
    selection=AssetSelection.groups("operations"),
    description="Compact the tables, drop the files that no version within the retention needs, write the SQL catalog.",
    executor_def=in_process_executor,
)

every_session = build_schedule_from_partitioned_job(
    stocks_by_day,
    name="every_session",
    description="The session before, at 11:30 New York, when its file is published; nothing after a day off.",
    hour_of_day=PUBLISHED_AT.hour,
    minute_of_hour=PUBLISHED_AT.minute,
)

every_sunday = ScheduleDefinition(
    name="every_sunday",
    job=maintenance,
    cron_schedule="0 6 * * 0",
    execution_timezone="America/New_York",
    description="Maintenance, on a day without a session.",
)


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
    """Ask for a run of every session whose published version the tables do not come from."""
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
