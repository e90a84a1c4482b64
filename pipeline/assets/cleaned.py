"""The step from stored vendor files to bars, rejected rows and the audit trail: one factory for days and minutes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from time import perf_counter
from typing import Any

import polars as pl
from dagster import AssetExecutionContext, AssetOut, AssetsDefinition, MaterializeResult, ResourceParam, multi_asset

from pipeline.contracts.table import Table
from pipeline.errors import TableMissing
from pipeline.ingest.intake import Clean, Intake
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.market.gate.audit import with_arrivals
from pipeline.market.market import Market
from pipeline.orchestration.comparison import Comparison, Uncompared
from pipeline.orchestration.partitions import ONE_RUN, sessions_of
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.table_metadata import asset_key, declared, record, stage
from pipeline.progress import Progress
from pipeline.settings import Settings

Counts = Mapping[date, Mapping[str, Any]]
"""Metadata of each session."""


@dataclass(frozen=True)
class CleaningStep:
    """The bars of one kind: where they come from, how they are cleaned, and which tables they become."""

    name: str
    stage: str
    raw: Sequence[str]
    """Asset key of the vendor's files."""
    editions: Mapping[str, Clean]
    bars: Table
    quarantine: Table
    trail: Table
    label: str
    """What progress calls it."""
    chunk: int
    """Sessions passed to the writer at a time."""
    compare: Callable[[Lake, Table], Comparison | Uncompared]
    """Counts what changes when sessions are written again."""
    described: Callable[[Counts, Lake, Table, Sequence[date]], Counts]
    """Adds to the metadata of each session."""


def cleaned_bars_of(market: Market, partitions: SessionPartitions, step: CleaningStep) -> AssetsDefinition:
    """Return the asset that cleans the vendor's files of `market` into the tables of `step`."""

    @multi_asset(
        name=step.name,
        outs={
            table.name: AssetOut(**declared(market, table, group="bars", stage=stage(step.stage)))
            for table in (step.bars, step.quarantine, step.trail)
        },
        deps=[list(step.raw)],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def cleaned_bars(
        context: AssetExecutionContext,
        lake: ResourceParam[Lake],
        raw_files: ResourceParam[RawFiles],
        settings: ResourceParam[Settings],
        progress: ResourceParam[Progress],
    ) -> Iterator[MaterializeResult]:
        """Clean each session's file in one pass; the audit trail is written last, after the tables it covers."""
        begun, run_id = perf_counter(), context.run.run_id
        sessions = sessions_of(context.partition_keys)
        intake = Intake(raw_files, settings.max_bad_share, run_id, step.editions)
        files = progress.chunks(step.label, sessions, step.chunk)
        comparison = step.compare(lake, step.bars)

        bars = lake.replace(step.bars, sessions, comparison.compared(intake.bars(files)), run_id=run_id)
        counts = comparison.with_changes(step.described(intake.counts, lake, step.bars, sessions))
        metadata = record(context, step.bars, bars, per_session=counts, begun=begun)
        yield MaterializeResult(asset_key=asset_key(step.bars), metadata=metadata)
        for warning in intake.warnings:
            context.log.warning(warning)
            progress.warnings.append(warning)
        if changed := comparison.in_words("bar"):
            progress.changes.append(changed)

        quarantine = lake.replace(step.quarantine, sessions, [intake.quarantine], run_id=run_id)
        yield MaterializeResult(
            asset_key=asset_key(step.quarantine), metadata=record(context, step.quarantine, quarantine)
        )

        stored = known_deliveries(lake, step.trail, sessions)
        deliveries = with_arrivals(stored, intake.deliveries, intake.others)
        written = lake.replace(step.trail, sessions, [deliveries], run_id=run_id)
        lake.require_newest({step.bars: bars, step.quarantine: quarantine, step.trail: written})
        yield MaterializeResult(asset_key=asset_key(step.trail), metadata=record(context, step.trail, written))

    return cleaned_bars


def known_deliveries(lake: Lake, trail: Table, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the audit trail's rows for `sessions`; empty before the first delivery."""
    try:
        return lake.scan(trail, sessions[0], sessions[-1]).collect()
    except TableMissing:
        return trail.empty()
