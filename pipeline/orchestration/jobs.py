"""What runs by itself: the daily jobs and their schedules, the watch over the vendor's files, and maintenance."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time

import polars as pl
from dagster import (
    AssetSelection,
    ResourceParam,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SensorEvaluationContext,
    SkipReason,
    build_schedule_from_partitioned_job,
    define_asset_job,
    in_process_executor,
    schedule,
    sensor,
)

from pipeline.assets.aggregates import stock_aggregates
from pipeline.assets.alerts import alerts
from pipeline.assets.bars import cleaned_day_aggs
from pipeline.assets.minutes import cleaned_minute_aggs, raw_minute_aggs, stock_intraday_features
from pipeline.assets.operations import compacted_tables, sql_catalog, vacuumed_tables
from pipeline.assets.outcomes import model_scores, stock_outcomes
from pipeline.assets.portfolio import marked_positions
from pipeline.assets.raw import raw_day_aggs
from pipeline.assets.reference import (
    reference_dividends,
    reference_splits,
    reference_ticker_events,
    reference_tickers,
)
from pipeline.assets.reports import stock_reports
from pipeline.assets.signals import stock_candidates, stock_indicators
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.outcomes import LONGEST
from pipeline.errors import TableMissing
from pipeline.lake.tables import Lake
from pipeline.orchestration.partitions import (
    EXCHANGE_ZONE,
    PUBLISHED_AT,
    STOCK_SESSIONS,
    last_day_over,
    latest_published,
)
from pipeline.settings import Settings
from pipeline.sources.massive.rest_days import NoFlatFiles
from pipeline.sources.port import Dataset, FlatFile, FlatFiles
from pipeline.venues.calendar import new_york

MOST_RUNS_A_TICK = 20
"""Runs the watch asks for at a time; what is left comes with the next tick."""

MORNING = time(0, 15)
"""New York time at which the vendor's REST API has the session that ended the day before."""

AFTER_THE_LISTS = time(12, 15)
"""New York time at which yesterday's session has been ranked."""

stocks_by_day = define_asset_job(
    "stocks_by_day",
    selection=AssetSelection.assets(
        raw_day_aggs,
        cleaned_day_aggs,
        stock_indicators,
        stock_candidates,
        marked_positions,
        stock_reports,
        alerts,
        sql_catalog,
    ),
    description="One session, or a range of them, from the vendor's file to ranked candidates, sell signals and pages.",
    # Explicit, or the schedule loses the exchange's calendar and repeats a session on weekends.
    partitions_def=STOCK_SESSIONS,
    executor_def=in_process_executor,
)

reference_data = define_asset_job(
    "reference_data",
    selection=AssetSelection.assets(reference_tickers, reference_splits, reference_dividends, reference_ticker_events),
    description="Tickers, splits, dividends and renames as the vendor tells them now, each with its history.",
    executor_def=in_process_executor,
)

minutes_by_day = define_asset_job(
    "minutes_by_day",
    selection=AssetSelection.assets(raw_minute_aggs, cleaned_minute_aggs, stock_intraday_features, sql_catalog),
    description="One session, or a range of them, from the vendor's file of minutes to what it says of each ticker.",
    partitions_def=STOCK_SESSIONS,
    executor_def=in_process_executor,
)

outcomes = define_asset_job(
    "outcomes",
    selection=AssetSelection.assets(stock_outcomes, model_scores, sql_catalog),
    description="What became of the candidates of a session, or a range of them, as far as the lake goes by now.",
    partitions_def=STOCK_SESSIONS,
    executor_def=in_process_executor,
)

aggregates = define_asset_job(
    "aggregates",
    selection=AssetSelection.assets(stock_aggregates, sql_catalog),
    description="Daily bars of CANDLELAKE_TICKERS from the REST API, as traded and on the vendor's split basis.",
    partitions_def=STOCK_SESSIONS,
    executor_def=in_process_executor,
)

maintenance = define_asset_job(
    "maintenance",
    selection=AssetSelection.assets(compacted_tables, vacuumed_tables, sql_catalog),
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


@schedule(
    job=stocks_by_day,
    cron_schedule=f"{MORNING.minute} {MORNING.hour} * * *",
    execution_timezone=EXCHANGE_ZONE,
    description="The morning edition of the session before, from the REST API, at 00:15 New York; needs a REST key.",
)
def every_morning(context: ScheduleEvaluationContext, settings: ResourceParam[Settings]) -> RunRequest | SkipReason:
    """Ask for the session that ended the day before; its flat file replaces the bars later that day."""
    if settings.rest_key is None:
        return SkipReason("Without CANDLELAKE_REST_KEY there is no morning edition; the flat file comes about 11:00.")
    session = last_day_over(context.scheduled_execution_time)
    if not new_york().is_session(session) or not settings.start <= session <= (settings.end or session):
        return SkipReason(f"{session} brought no new session.")
    return RunRequest(partition_key=str(session))


every_evening = ScheduleDefinition(
    name="every_evening",
    job=reference_data,
    cron_schedule="5 23 * * *",
    execution_timezone="America/New_York",
    description="Reference data, every day before the sessions of the next are run.",
)

every_sunday = ScheduleDefinition(
    name="every_sunday",
    job=maintenance,
    cron_schedule="0 6 * * 0",
    execution_timezone="America/New_York",
    description="Maintenance, on a day without a session.",
)


@schedule(
    job=outcomes,
    cron_schedule=f"{AFTER_THE_LISTS.minute} {AFTER_THE_LISTS.hour} * * *",
    execution_timezone=EXCHANGE_ZONE,
    description="Outcomes of the lists that the session before may have moved, at 12:15 New York; not after a day off.",
)
def every_noon(
    context: ScheduleEvaluationContext, lake: ResourceParam[Lake], settings: ResourceParam[Settings]
) -> RunRequest | SkipReason:
    """Ask for one run over the session that ended the day before and the sessions whose horizons reach to it."""
    newest = last_day_over(context.scheduled_execution_time)
    if not new_york().is_session(newest) or newest > (settings.end or newest):
        return SkipReason(f"{newest} brought no new session.")
    since = max(new_york().offset(newest, -LONGEST), settings.start)
    first = lake.read(CANDIDATES, since, newest).rows.select(pl.col("session").min()).collect().item()
    if first is None:
        return SkipReason(f"There is no list from {since} to {newest}.")
    # One run over a range of sessions, as the UI's backfill of assets asks for it.
    return RunRequest(
        tags={"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(newest)}
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
