"""What every table partitioned by session declares to Dagster, and what it records of each write."""

from collections.abc import Iterable, Mapping
from datetime import date
from time import perf_counter
from typing import Any

import polars as pl
from dagster import AssetExecutionContext, AssetKey, MetadataValue, TableColumn, TableRecord, TableSchema

from pipeline.contracts.table import Table
from pipeline.lake.delta.commits import Written
from pipeline.market.computed import code_version
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
    """Return a type as the UI has room for: what it is made of, without the fields and units within."""
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
    """Return the metadata that say what an asset is in a run.

    `name` is what people call its stage, `source` where its data come from when no table of the lake is its input,
    `datasets` the vendor's datasets that it keeps as files. An asset that makes no table counts its sessions under the
    name `counts_sessions_as`, at most `most_sessions` of them unless that is 0.
    """
    given = {
        STAGE: name,
        SOURCE: source,
        DATASETS: list(datasets),
        COUNTS_SESSIONS_AS: counts_sessions_as,
        MOST_SESSIONS: most_sessions,
    }
    return {key: value for key, value in given.items() if value}


def declared(table: Table, *, group: str, stage: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `AssetOut` and `@asset` share for a table: key, group, description, columns, stage, code version."""
    return {
        "key": asset_key(table),
        "group_name": group,
        "description": table.description,
        "kinds": {"deltalake", "polars"},
        "owners": OWNERS,
        "code_version": code_version(table),
        "metadata": {
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": table.sql_name,
            **stage,
        },
    }


def record(
    context: AssetExecutionContext,
    table: Table,
    written: Written,
    *,
    per_session: Mapping[date, Mapping[str, Any]] | None = None,
    begun: float | None = None,
) -> dict[str, Any]:
    """Attach what there is to say of a session to its partition, and return what holds for each of them.

    What holds for the write as a whole, with the seconds since `begun` (of `perf_counter`), goes to its newest
    session: on each session of a range it would read, and be plotted, as that session's own.
    """
    whole: dict[str, Any] = {"dagster/row_count": written.rows_in_table, "rows_written": written.rows}
    if begun is not None:
        whole["seconds"] = round(perf_counter() - begun, 3)
    version = {"table_version": written.version}
    if not written.rows_per_session:
        return version | whole
    told = {
        session: {"dagster/partition_row_count": written.rows_per_session[session], **particulars}
        for session, particulars in (per_session or {}).items()
    }
    newest = max(written.rows_per_session)
    told[newest] = told.get(newest, {}) | whole
    add_partition_metadata(context, asset_key(table), {str(session): metadata for session, metadata in told.items()})
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
