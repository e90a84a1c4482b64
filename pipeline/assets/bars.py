"""The second stage: validated bars, rejected rows, and the audit trail of every file."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from time import perf_counter

import polars as pl
from dagster import AssetExecutionContext, AssetOut, AssetsDefinition, MaterializeResult, ResourceParam, multi_asset

from pipeline.contracts.table import Table
from pipeline.errors import TableMissing
from pipeline.ingest.intake import EDITIONS, Clean, Intake
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.market.gate.audit import with_arrivals
from pipeline.market.market import Market
from pipeline.orchestration.comparison import Comparison
from pipeline.orchestration.partitions import ONE_RUN, sessions_of
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.table_metadata import asset_key, declared, record, stage
from pipeline.progress import Progress
from pipeline.queries.coverage import with_coverage
from pipeline.settings import Settings

CHUNK = 21
"""Sessions passed to the writer at a time: about a month, which it collects anyway."""


def bars_of(
    market: Market, partitions: SessionPartitions, editions: Mapping[str, Clean] = EDITIONS
) -> AssetsDefinition:
    """Return the asset that cleans the vendor's day files of `market` into bars, each by the edition it came in."""

    @multi_asset(
        name=f"{market.venue.market}_cleaned_day_aggs",
        outs={
            table.name: AssetOut(**declared(market, table, group="bars", stage=stage("bars")))
            for table in (market.bars, market.quarantine, market.deliveries)
        },
        deps=[[market.venue.market, "raw_day_aggs"]],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def cleaned_day_aggs(
        context: AssetExecutionContext,
        lake: ResourceParam[Lake],
        raw_files: ResourceParam[RawFiles],
        settings: ResourceParam[Settings],
        progress: ResourceParam[Progress],
    ) -> Iterator[MaterializeResult]:
        """Clean each session's file in one pass; the audit trail is written last, after the tables it covers."""
        begun, run_id = perf_counter(), context.run.run_id
        sessions = sessions_of(context.partition_keys)
        intake = Intake(raw_files, settings.max_bad_share, run_id, editions)
        files = progress.chunks("cleaning", sessions, CHUNK)
        comparison = Comparison(lake, market.bars)

        bars = lake.replace(market.bars, sessions, comparison.compared(intake.bars(files)), run_id=run_id)
        counts = with_coverage(intake.counts, lake, market.bars, sessions)
        metadata = record(context, market.bars, bars, per_session=comparison.with_changes(counts), begun=begun)
        yield MaterializeResult(asset_key=asset_key(market.bars), metadata=metadata)
        for warning in intake.warnings:
            context.log.warning(warning)
            progress.warnings.append(warning)
        if changed := comparison.in_words("bar"):
            progress.changes.append(changed)

        quarantine = lake.replace(market.quarantine, sessions, [intake.quarantine], run_id=run_id)
        yield MaterializeResult(
            asset_key=asset_key(market.quarantine), metadata=record(context, market.quarantine, quarantine)
        )

        deliveries = with_arrivals(
            known_deliveries(lake, market.deliveries, sessions), intake.deliveries, intake.others
        )
        written = lake.replace(market.deliveries, sessions, [deliveries], run_id=run_id)
        lake.require_newest({market.bars: bars, market.quarantine: quarantine, market.deliveries: written})
        yield MaterializeResult(
            asset_key=asset_key(market.deliveries), metadata=record(context, market.deliveries, written)
        )

    return cleaned_day_aggs


def known_deliveries(lake: Lake, trail: Table, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the audit trail's rows for `sessions`; empty before the first delivery."""
    try:
        return lake.scan(trail, sessions[0], sessions[-1]).collect()
    except TableMissing:
        return trail.empty()
