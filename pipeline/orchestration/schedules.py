"""What runs by the clock: each schedule, and when."""

from datetime import time
from typing import Any

import polars as pl
from dagster import (
    ResourceParam,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    build_schedule_from_partitioned_job,
    schedule,
)

from pipeline.contracts.outcomes import LONGEST
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.orchestration.jobs import Jobs
from pipeline.orchestration.partitions import last_day_over
from pipeline.settings import Settings
from pipeline.sources.port import Publication

MORNING = time(0, 15)
"""New York time at which the vendor's REST API has the session that ended the day before."""

AFTER_THE_LISTS = time(12, 15)
"""New York time by which yesterday's session has been ranked."""


def schedules_of(stocks: Market, jobs: Jobs, publication: Publication) -> list[Any]:
    """Return the schedules of the jobs over `stocks`, whose files are published as `publication` says."""
    zone = stocks.venue.zone.key

    every_session = build_schedule_from_partitioned_job(
        jobs.stocks_by_day,
        name="every_session",
        description="The session before, at 11:30 New York, when its file is published; nothing after a day off.",
        hour_of_day=publication.at.hour,
        minute_of_hour=publication.at.minute,
    )

    @schedule(
        job=jobs.stocks_by_day,
        cron_schedule=f"{MORNING.minute} {MORNING.hour} * * *",
        execution_timezone=zone,
        description="The morning edition of the session before, from the REST API, at 00:15 New York; needs a REST "
        "key.",
    )
    def every_morning(context: ScheduleEvaluationContext, settings: ResourceParam[Settings]) -> RunRequest | SkipReason:
        """Request the session that ended the day before; its flat file replaces the bars later that day."""
        if settings.rest_key is None:
            return SkipReason(
                "Without CANDLELAKE_REST_KEY there is no morning edition; the flat file comes about 11:00."
            )
        session = last_day_over(stocks.venue, context.scheduled_execution_time)
        if not stocks.calendar.is_session(session) or not settings.start <= session <= (settings.end or session):
            return SkipReason(f"{session} brought no new session.")
        return RunRequest(partition_key=str(session))

    every_evening = ScheduleDefinition(
        name="every_evening",
        job=jobs.reference_data,
        cron_schedule="5 23 * * *",
        execution_timezone=zone,
        description="Reference data, every day before the sessions of the next are run.",
    )

    every_sunday = ScheduleDefinition(
        name="every_sunday",
        job=jobs.maintenance,
        cron_schedule="0 6 * * 0",
        execution_timezone=zone,
        description="Maintenance, on a day without a session.",
    )

    @schedule(
        job=jobs.outcomes,
        cron_schedule=f"{AFTER_THE_LISTS.minute} {AFTER_THE_LISTS.hour} * * *",
        execution_timezone=zone,
        description="Outcomes of the lists that the session before may have moved, at 12:15 New York; not after a day "
        "off.",
    )
    def every_noon(
        context: ScheduleEvaluationContext, lake: ResourceParam[Lake], settings: ResourceParam[Settings]
    ) -> RunRequest | SkipReason:
        """Request one run over the session that ended the day before and the sessions whose horizons reach it."""
        newest = last_day_over(stocks.venue, context.scheduled_execution_time)
        if not stocks.calendar.is_session(newest) or newest > (settings.end or newest):
            return SkipReason(f"{newest} brought no new session.")
        since = max(stocks.calendar.offset(newest, -LONGEST), settings.start)
        first = lake.read(stocks.candidates, since, newest).rows.select(pl.col("session").min()).collect().item()
        if first is None:
            return SkipReason(f"There is no list from {since} to {newest}.")
        # One run over a range of sessions, like a backfill of assets in the UI.
        return RunRequest(
            tags={"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(newest)}
        )

    return [every_evening, every_morning, every_session, every_noon, every_sunday]
