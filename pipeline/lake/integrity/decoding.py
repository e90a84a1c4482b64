"""Judges a data file without a recorded hash: reads all of it, and compares it with the log and the contract."""

from __future__ import annotations

from io import BytesIO

import polars as pl

from pipeline.contracts.table import Table
from pipeline.errors import ContractBroken
from pipeline.lake.delta.log_entries import DataFile


def decoded(data: bytes, file: DataFile, table: Table | None) -> str | None:
    """Return what is wrong with the bytes of `file` of `table` (None: a table without a contract); None if nothing is.

    It must decode, have as many rows as the log says, and keep the contract. Wrong but possible numbers are not found.
    """
    try:
        rows = pl.read_parquet(BytesIO(data), hive_partitioning=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as unreadable:
        return f"cannot be read ({(str(unreadable).strip() or type(unreadable).__name__).splitlines()[0]})"
    if file.rows is not None and len(rows) != file.rows:
        return f"has {len(rows):,} rows, the log says {file.rows:,}"
    # A column that was added to the contract later is missing in older files.
    if table is None or not set(table.columns) <= set(rows.columns):
        return None
    try:
        table.enforce(rows)
    except ContractBroken as broken:
        return f"has rows that break the contract ({broken.message})"
    return None
