"""The second stage: validated bars, rejected rows, and the audit trail of every file."""

from collections.abc import Iterator, Sequence
from datetime import date
from time import perf_counter

import polars as pl
from dagster import AssetExecutionContext, AssetOut, MaterializeResult, ResourceParam, multi_asset

from pipeline.assets.raw import raw_day_aggs
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.contracts.table import Table
from pipeline.errors import TableMissing
from pipeline.ingest.intake import Intake
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.market.gate.audit import with_arrivals
from pipeline.orchestration.comparison import Comparison
from pipeline.orchestration.partitions import ONE_RUN, STOCK_SESSIONS, sessions_of
from pipeline.orchestration.table_metadata import asset_key, declared, record, stage
from pipeline.progress import Progress
from pipeline.queries.coverage import with_coverage
from pipeline.settings import Settings

CHUNK = 21
"""Sessions passed to the writer at a time: about a month, which it collects anyway."""


@multi_asset(
    name="cleaned_day_aggs",
    outs={
        table.name: AssetOut(**declared(table, group="bars", stage=stage("bars")))
        for table in (DAILY_BARS, QUARANTINE, DELIVERIES)
    },
    deps=[raw_day_aggs],
    partitions_def=STOCK_SESSIONS,
    backfill_policy=ONE_RUN,
)
def cleaned_day_aggs(
    context: AssetExecutionContext,
    lake: ResourceParam[Lake],
    raw_files: ResourceParam[RawFiles],
    settings: ResourceParam[Settings],
    progress: ResourceParam[Progress],
) -> Iterator[MaterializeResult]:
    """Clean each session's file in one pass; the audit trail is written last, when all tables it covers are written."""
    begun, run_id = perf_counter(), context.run.run_id
    sessions = sessions_of(context.partition_keys)
    intake = Intake(raw_files, settings.max_bad_share, run_id)
    files = progress.chunks("cleaning", sessions, CHUNK)
    comparison = Comparison(lake, DAILY_BARS)

    bars = lake.replace(DAILY_BARS, sessions, comparison.compared(intake.bars(files)), run_id=run_id)
    counts = with_coverage(intake.counts, lake, sessions)
    metadata = record(context, DAILY_BARS, bars, per_session=comparison.with_changes(counts), begun=begun)
    yield MaterializeResult(asset_key=asset_key(DAILY_BARS), metadata=metadata)
    for warning in intake.warnings:
        context.log.warning(warning)
        progress.warnings.append(warning)
    if changed := comparison.in_words("bar"):
        progress.changes.append(changed)

    quarantine = lake.replace(QUARANTINE, sessions, [intake.quarantine], run_id=run_id)
    yield MaterializeResult(asset_key=asset_key(QUARANTINE), metadata=record(context, QUARANTINE, quarantine))

    deliveries = with_arrivals(known_deliveries(lake, sessions), intake.deliveries, intake.others)
    written = lake.replace(DELIVERIES, sessions, [deliveries], run_id=run_id)
    lake.require_newest({DAILY_BARS: bars, QUARANTINE: quarantine, DELIVERIES: written})
    yield MaterializeResult(asset_key=asset_key(DELIVERIES), metadata=record(context, DELIVERIES, written))


def known_deliveries(lake: Lake, sessions: Sequence[date], trail: Table = DELIVERIES) -> pl.DataFrame:
    """Return the audit trail's rows for `sessions`; empty before the first delivery."""
    try:
        return lake.scan(trail, sessions[0], sessions[-1]).collect()
    except TableMissing:
        return trail.empty()
