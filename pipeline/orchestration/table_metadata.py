"""The declarations to Dagster of every table partitioned by session, and the metadata of each write."""

from collections.abc import Iterable, Mapping
from datetime import date
from time import perf_counter
from typing import Any

import polars as pl
from dagster import AssetExecutionContext, AssetKey, MetadataValue, TableColumn, TableRecord, TableSchema

from pipeline.contracts.table import Table
from pipeline.lake.delta.commits import WriteResult
from pipeline.market.computed import code_version
from pipeline.market.market import Market
from pipeline.orchestration.patches.partition_metadata import add_partition_metadata

OWNERS = ["team:candlelake"]
PREVIEW_ROWS = 10
PREVIEW_COLUMNS = 7


def asset_key(table: Table) -> AssetKey:
    """Return the table's asset key, `[market, name]`."""
    return AssetKey([table.market, table.name])


def column_schema(table: Table) -> TableSchema:
    """Return the contract's columns as the Dagster UI shows them."""
    return TableSchema(
        [
            TableColumn(name, type=type_name(dtype), description=table.descriptions[name])
            for name, dtype in table.columns.items()
        ]
    )


def type_name(dtype: pl.DataType) -> str:
    """Return a type in a form short enough for the UI: without its fields and units."""
    if isinstance(dtype, pl.List):
        return f"List({type_name(dtype.inner)})"  # type: ignore[arg-type]
    return dtype.base_type().__name__


STAGE, SOURCE, DATASETS, COUNTS_SESSIONS_AS, MOST_SESSIONS = (
    f"candlelake/{name}" for name in ("stage", "source", "datasets", "counts_sessions_as", "most_sessions")
)
"""Metadata of assets: see `stage`."""


def stage(
    name: str, *, source: str = "", datasets: Iterable[str] = (), counts_sessions_as: str = "", most_sessions: int = 0
) -> dict[str, Any]:
    """Return the metadata that describe an asset's stage of a run.

    `name` is the name of the stage, `source` the source of its data when its input is not a table, `datasets`
    the vendor's datasets that it stores as files. An asset without a table counts its sessions under the name
    `counts_sessions_as`, at most `most_sessions` of them unless that is 0.
    """
    metadata = {
        STAGE: name,
        SOURCE: source,
        DATASETS: list(datasets),
        COUNTS_SESSIONS_AS: counts_sessions_as,
        MOST_SESSIONS: most_sessions,
    }
    return {key: value for key, value in metadata.items() if value}


def declared(market: Market, table: Table, *, group: str, stage: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `AssetOut` and `@asset` share for a table: key, group, description, columns, stage, code version."""
    return {
        "key": asset_key(table),
        "group_name": group,
        "description": table.description,
        "kinds": {"deltalake", "polars"},
        "owners": OWNERS,
        "code_version": code_version(market, table),
        "metadata": {
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": table.sql_name,
            **stage,
        },
    }


def record(
    context: AssetExecutionContext,
    table: Table,
    written: WriteResult,
    *,
    per_session: Mapping[date, Mapping[str, Any]] | None = None,
    begun: float | None = None,
) -> dict[str, Any]:
    """Attach the metadata of each session to its partition, and return the metadata that apply to all of them.

    Numbers of the write as a whole, with the seconds since `begun` (of `perf_counter`), go to its newest session: on
    each session of a range the UI would show and plot them as that session's own.
    """
    whole: dict[str, Any] = {"dagster/row_count": written.rows_in_table, "rows_written": written.rows}
    if begun is not None:
        whole["seconds"] = round(perf_counter() - begun, 3)
    version = {"table_version": written.version}
    if not written.rows_per_session:
        return version | whole
    by_session = {
        session: {"dagster/partition_row_count": written.rows_per_session[session], **particulars}
        for session, particulars in (per_session or {}).items()
    }
    newest = max(written.rows_per_session)
    by_session[newest] = by_session.get(newest, {}) | whole
    add_partition_metadata(
        context, asset_key(table), {str(session): metadata for session, metadata in by_session.items()}
    )
    return version


def table_preview(rows: pl.DataFrame) -> MetadataValue:
    """Return the first rows and columns of a flat frame as the UI can draw them: ten by seven at most."""
    shown = rows.head(PREVIEW_ROWS)[:, :PREVIEW_COLUMNS].with_columns(
        pl.selectors.temporal().cast(pl.String), pl.selectors.float().round(4)
    )
    return MetadataValue.table(
        records=[TableRecord(row) for row in shown.to_dicts()],
        schema=TableSchema([TableColumn(name, type=str(dtype)) for name, dtype in shown.schema.items()]),
    )
