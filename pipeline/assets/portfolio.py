"""The portfolio: the positions as recorded, and their value and the reasons to sell them at every session."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl
from dagster import (
    AssetExecutionContext,
    AssetOut,
    AssetsDefinition,
    AssetSpec,
    MaterializeResult,
    ResourceParam,
    multi_asset,
)

from pipeline.contracts.portfolio import POSITION_MARKS, POSITIONS, SIGNALS
from pipeline.contracts.reference import REFERENCE_TABLES
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.orchestration.partitions import ONE_RUN, sessions_of
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.table_metadata import asset_key, declared, record, stage, table_preview
from pipeline.queries.portfolio import Portfolio, portfolio

GROUP = "portfolio"


def recorded_positions(market: Market) -> AssetSpec:
    """Return the positions as an asset: recorded by the user, so no run writes it."""
    recorded = declared(market, POSITIONS, group=GROUP, stage={})
    return AssetSpec(**recorded | {"description": f"{recorded['description']} Recorded with `candlelake positions`."})


def positions_of(market: Market, partitions: SessionPartitions) -> AssetsDefinition:
    """Return the asset that values positions and applies the sell rules of `market`."""

    @multi_asset(
        name="marked_positions",
        outs={
            table.name: AssetOut(**declared(market, table, group=GROUP, stage=stage("positions")))
            for table in (POSITION_MARKS, SIGNALS)
        },
        # Read by the function that marks positions, only if there are any, and from the first opening on.
        deps=[asset_key(table) for table in (POSITIONS, market.bars, market.indicators, *REFERENCE_TABLES)],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def marked_positions(context: AssetExecutionContext, lake: ResourceParam[Lake]) -> Iterator[MaterializeResult]:
        """Value the positions at each session, and apply the sell rules to them."""
        sessions = sessions_of(context.partition_keys)
        marked = portfolio(lake, market, sessions)
        run_id = context.run.run_id
        for table, rows, shown in (
            (POSITION_MARKS, marked.marks, marks_of_sessions(marked)),
            (SIGNALS, marked.signals, signals_of_sessions(marked)),
        ):
            written = lake.replace(table, sessions, [rows], run_id=run_id, read=marked.read)
            metadata = record(context, table, written, per_session=shown)
            yield MaterializeResult(asset_key=asset_key(table), metadata=metadata)

    return marked_positions


def marks_of_sessions(marked: Portfolio) -> dict[date, dict[str, Any]]:
    """Return, for each session with positions, their value and profit in USD."""
    sums = marked.marks.group_by("session").agg(pl.col("value", "profit").sum(), without_bar=pl.col("no_bar").sum())
    return _by_session(sums)


def signals_of_sessions(marked: Portfolio) -> dict[date, dict[str, Any]]:
    """Return the number of signals of each session with any, and a table of the newest session's signals."""
    shown = _by_session(marked.signals.group_by("session").agg(new=pl.col("is_new").sum()))
    if shown:
        newest = max(shown)
        table = marked.signals.filter(pl.col("session") == newest).select(
            "position", "ticker", "severity", "rule", "is_new", reasons=pl.col("reasons").list.join("; ")
        )
        shown[newest]["signals"] = table_preview(table)
    return shown


def _by_session(sums: pl.DataFrame) -> dict[date, dict[str, Any]]:
    return {row.pop("session"): row for row in sums.sort("session").to_dicts()}
