"""The data files of a Delta table: their place, and the rows of those that can contain the requested sessions.

Polars' own `scan_delta` (2.1) looks for the escaped names of files, and finds none in a folder with a space or an
accent. Reading needs only the file list of the log and its statistics.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable


def folder_of(opened: DeltaTable) -> Path | None:
    """Return the folder of a table on a local disk, None for one in an object store."""
    scheme, _, rest = opened.table_uri.partition("://")
    if scheme != "file":
        return None
    return Path(unquote(rest))


def name_of(opened: DeltaTable) -> str:
    """Return the `market/name` of a table of the lake: the last two parts of its path."""
    return "/".join(opened.table_uri.rstrip("/").rsplit("/", 2)[1:])


def files_of(opened: DeltaTable, start: date | None = None, end: date | None = None) -> pl.DataFrame:
    """Return the files that can contain rows of the sessions `start` … `end`, open when None.

    Columns: path (relative to the table), size_bytes, num_records, min.session, max.session. A file without
    statistics can contain any session.
    """
    actions = pl.DataFrame(opened.get_add_actions(flatten=True))
    files = actions.select("path", "size_bytes", "num_records", *_bounds(actions))
    if start is not None:
        files = files.filter(pl.col("max.session").is_null() | (pl.col("max.session") >= start))
    if end is not None:
        files = files.filter(pl.col("min.session").is_null() | (pl.col("min.session") <= end))
    return files


def sizes_of(opened: DeltaTable) -> dict[str, int]:
    """Return the bytes of each file of the table, by its path relative to the table."""
    return dict(pl.DataFrame(opened.get_add_actions()).select("path", "size_bytes").iter_rows())


def scan_files(
    opened: DeltaTable, paths: Iterable[str], columns: Mapping[str, pl.DataType], storage_options: Mapping[str, str]
) -> pl.LazyFrame:
    """Return the rows of the files `paths`, relative to the table, with `columns`; missing columns are null."""
    folder = folder_of(opened)
    root = str(folder) if folder else opened.table_uri.rstrip("/")
    sources = [f"{root}/{unquote(path)}" for path in paths]
    if not sources:
        return pl.LazyFrame(schema=columns)
    return pl.scan_parquet(
        sources,
        schema=dict(columns),
        hive_partitioning=False,
        missing_columns="insert",
        extra_columns="ignore",
        storage_options=dict(storage_options) or None,
        glob=False,
    )


def of_sessions(rows: pl.LazyFrame, start: date | None, end: date | None) -> pl.LazyFrame:
    """Return the rows of the sessions `start` … `end`, open when None."""
    if start is not None:
        rows = rows.filter(pl.col("session") >= start)
    return rows if end is None else rows.filter(pl.col("session") <= end)


def sessions_in(opened: DeltaTable, storage_options: Mapping[str, str]) -> list[date]:
    """Return the sessions that the table has rows for, oldest first."""
    files = files_of(opened)
    # The log has the session of a file with a single one; only the other files are read.
    single = files.filter(pl.col("min.session") == pl.col("max.session"))
    others = files.join(single, on="path", how="anti")["path"]
    read_sessions = scan_files(opened, others, {"session": pl.Date()}, storage_options).unique().collect()
    return sorted({*single["min.session"], *read_sessions["session"]})


def _bounds(actions: pl.DataFrame) -> list[pl.Expr]:
    unknown = pl.lit(None, pl.Date)
    names = ("min.session", "max.session")
    return [pl.col(name).cast(pl.Date) if name in actions.columns else unknown.alias(name) for name in names]
