"""The check of every table: its stored rows keep its contract."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

import polars as pl
from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    ResourceParam,
    asset_check,
)

from pipeline.contracts.table import Table
from pipeline.errors import ContractBroken
from pipeline.lake.lake import Lake
from pipeline.orchestration.table_metadata import asset_key


def sessions_in_question(context: AssetCheckExecutionContext, lake: Lake, table: Table) -> list[date]:
    """Return the sessions that the run materializes, or for a check run alone, the newest session of `table`.

    The checks carry no partitions of their own: Dagster 1.13 would store every partition of a range once for each of
    its partitions, which makes a range of ten years take an hour.
    """
    tags = context.run.tags
    partition = tags.get("dagster/partition")
    start, end = (
        tags.get("dagster/asset_partition_range_start", partition),
        tags.get("dagster/asset_partition_range_end", partition),
    )
    if start is None or end is None:
        return lake.sessions(table)[-1:]
    return list(table.venue.calendar.between(date.fromisoformat(start), date.fromisoformat(end)))


def contract_check(table: Table) -> AssetChecksDefinition:
    """Return the check that the stored rows of a partition, or of a whole table, keep the table's contract."""

    @asset_check(
        asset=asset_key(table),
        name="keeps_its_contract",
        description=f"Every stored row of {table.sql_name} keeps its contract: types, ranges, a unique key.",
        blocking=True,
    )
    def keeps_its_contract(context: AssetCheckExecutionContext, lake: ResourceParam[Lake]) -> AssetCheckResult:
        if not lake.exists(table):
            return AssetCheckResult(passed=True, metadata={"rows": 0, "sessions": 0})
        sessions = sessions_in_question(context, lake, table) if table.session else []
        try:
            rows = sum(len(table.enforce(piece.collect())) for piece in stored_pieces(lake, table, sessions))
        except ContractBroken as broken:
            return AssetCheckResult(passed=False, metadata={"broken": str(broken)})
        return AssetCheckResult(passed=True, metadata={"rows": rows, "sessions": len(sessions)})

    return keeps_its_contract


def stored_pieces(lake: Lake, table: Table, sessions: Sequence[date]) -> Iterator[pl.LazyFrame]:
    """Yield the rows of `table` for `sessions`, partition by partition; a table refreshed in full all at once.

    A partition written in one commit is sorted by the key, so its uniqueness is cheap to check.
    """
    if table.session is None:
        yield lake.read(table).rows
    for _, of_partition in groupby(sessions, key=lambda session: session.strftime(table.layout.pattern)):
        first, *others = of_partition
        yield lake.scan(table, first, others[-1] if others else first)
