"""A checkpoint of a table's log: the data files that its version reads."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import polars as pl

from pipeline.lake.delta.log_entries import DataFile, added_by


def files_in_checkpoint(parts: Sequence[bytes], version: int) -> list[DataFile] | None:
    """Return the data files listed in the checkpoint of a version, in one or several parts.

    None when it is unreadable, or has no part that describes the table: then it replaces no entry.
    """
    try:
        # Read whole, not only the needed columns, so that a damaged page anywhere is noticed.
        frames = [pl.read_parquet(BytesIO(part), hive_partitioning=False) for part in parts]
        described = any(frame["metaData"].is_not_null().any() for frame in frames)
        adds = [{"add": add} for frame in frames for add in frame["add"].drop_nulls().to_list() if add["path"]]
        files = added_by(adds, version)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, KeyError, TypeError):
        return None
    return files if described else None
