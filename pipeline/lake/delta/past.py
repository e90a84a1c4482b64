"""The rows of a past version of a table, as long as there is any way to read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import polars as pl
from deltalake.exceptions import DeltaError

from pipeline.errors import TableMissing, VersionGone
from pipeline.lake.delta.files import files_of, of_sessions, scan_files
from pipeline.lake.delta.log_entries import DataFile
from pipeline.lake.lake import Lake

if TYPE_CHECKING:
    from pipeline.contracts.table import Table


def rows_at(lake: Lake, table: Table, version: int, start: date | None = None, end: date | None = None) -> pl.DataFrame:
    """Return the rows of the sessions `start` … `end` (both included, open when None) in `version` of `table`.

    A version whose files were vacuumed is read from a later one if nothing changed these rows in between; a version
    that the log has lost, from the files in our own records of its commits. Raises VersionGone when none of these
    ways works.
    """
    for rows in _ways(lake, table, version, start, end):
        try:
            return rows().collect()
        except (TableMissing, FileNotFoundError):
            continue
    raise VersionGone(
        f"Version {version} of {table.sql_name} can no longer be read: a vacuum removed its files, or another program "
        "its log.",
        remedy="CANDLELAKE_RETENTION_DAYS says how long versions are kept; raise it for future lists.",
    )


def is_gone(lake: Lake, name: str, version: int) -> bool:
    """Return whether Delta can no longer read a version of the table `market/name`: a file or its log is gone.

    Raises TableMissing, TableDamaged when there is no such table.
    """
    opened = lake.open_to_write(name)
    try:
        opened.load_as_version(version)
    except DeltaError:
        return True
    there = set(lake.objects.names(f"{name}/"))
    return any(f"{name}/{unquote(path)}" not in there for path in files_of(opened)["path"])


def _ways(
    lake: Lake, table: Table, version: int, start: date | None, end: date | None
) -> Iterator[Callable[[], pl.LazyFrame]]:
    """Yield the ways to read these rows, the simplest first."""
    yield lambda: lake.scan(table, start, end, version=version)
    trail = lake.trail(table)
    alike = trail.last_alike(version, start, end)
    if alike != version:
        yield lambda: lake.scan(table, start, end, version=alike)
    files = trail.files_of(version)
    if files is not None:
        yield lambda: _scan(lake, table, files, start, end)


def _scan(lake: Lake, table: Table, files: list[DataFile], start: date | None, end: date | None) -> pl.LazyFrame:
    paths = [
        quote(file.name)
        for file in files
        if (start is None or file.last is None or file.last >= start)
        and (end is None or file.first is None or file.first <= end)
    ]
    rows = scan_files(lake.open(table), paths, table.columns, lake.storage_options)
    return of_sessions(rows, start, end).select(list(table.columns))
