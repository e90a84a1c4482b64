"""Judging a data file of which no hash was recorded: read to its end, and held against the log and the contract."""

from __future__ import annotations

from io import BytesIO

import polars as pl

from pipeline.contracts.table import Table
from pipeline.errors import ContractBroken
from pipeline.lake.delta.log_entries import DataFile


def decoded(data: bytes, told: DataFile, table: Table | None) -> str | None:
    """Return what is wrong with the bytes of a data file of `table` (None: one without a contract), None for nothing.

    It must decode, have the rows that the log tells of, and keep the contract. Wrong numbers that are possible numbers
    pass.
    """
    try:
        rows = pl.read_parquet(BytesIO(data), hive_partitioning=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as unreadable:
        return f"cannot be read ({(str(unreadable).strip() or type(unreadable).__name__).splitlines()[0]})"
    if told.rows is not None and len(rows) != told.rows:
        return f"has {len(rows):,} rows, the log tells of {told.rows:,}"
    # A column that joined the contract later is missing in files that were written before.
    if table is None or not set(table.columns) <= set(rows.columns):
        return None
    try:
        table.enforce(rows)
    except ContractBroken as broken:
        return f"has rows that break the contract ({broken.message})"
    return None
