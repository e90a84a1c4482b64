"""What a commit tells of itself: the run, the sessions it replaced, and the versions of the tables it was made from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
from deltalake import DeltaTable

if TYPE_CHECKING:  # the contracts bring pandera and pandas, which a mere query should not wait for
    from pipeline.contracts.table import Table

READ = pl.List(pl.Struct({"table": pl.String, "version": pl.Int64}))

COMMIT: dict[str, Any] = {
    "version": pl.Int64,
    "committed_at": pl.Datetime("us", "UTC"),
    "run_id": pl.String,
    "first_session": pl.Date,
    "last_session": pl.Date,
    "read": READ,
}
"""Columns of a table's history. `read` holds, by SQL name, the versions that the rows were made from.

A table that had never been written when it was read has a null version. Sessions and `read` are null in commits that
changed no row: creation, compaction, vacuum.
"""


@dataclass(frozen=True)
class Reading:
    """The rows of a table at one version, as a computation reads them."""

    table: Table
    version: int | None
    """None when the table had never been written."""
    rows: pl.LazyFrame


@dataclass(frozen=True)
class Written:
    """What one replacement committed."""

    version: int
    rows: int
    rows_per_session: dict[date, int]
    rows_in_table: int
    """Rows of all sessions, after it."""
    files_added: int
    bytes_added: int


def summed(writings: Sequence[Written]) -> Written:
    """Return what replacements of one table, one after another and each of other sessions, committed in all."""
    return Written(
        version=writings[-1].version,
        rows=sum(one.rows for one in writings),
        rows_per_session={session: rows for one in writings for session, rows in one.rows_per_session.items()},
        rows_in_table=writings[-1].rows_in_table,
        files_added=sum(one.files_added for one in writings),
        bytes_added=sum(one.bytes_added for one in writings),
    )


def told(run_id: str, read: Sequence[Reading], sessions: Sequence[date] = ()) -> dict[str, str]:
    """Return what a commit of rows carries."""
    span = {"first_session": str(min(sessions)), "last_session": str(max(sessions))} if sessions else {}
    versions = [{"table": one.table.sql_name, "version": one.version} for one in read]
    return {"run_id": run_id, "read": json.dumps(versions)} | span


def commits_of(opened: DeltaTable) -> pl.DataFrame:
    """Return the commits of a table, newest first, in the columns of `COMMIT`."""
    return pl.DataFrame([_commit(one) for one in opened.history()], schema=COMMIT)


def _commit(said: dict[str, Any]) -> dict[str, Any]:
    first, last = said.get("first_session"), said.get("last_session")
    return {
        "version": said["version"],
        "committed_at": said["timestamp"] * 1_000,
        "run_id": said.get("run_id"),
        "first_session": date.fromisoformat(first) if first else None,
        "last_session": date.fromisoformat(last) if last else None,
        "read": json.loads(said["read"]) if "read" in said else None,
    }


def writings(history: pl.DataFrame, session: date) -> pl.DataFrame:
    """Return the commits of a table's `history` that wrote the rows of `session`, newest first."""
    return history.filter(pl.col("first_session") <= session, pl.col("last_session") >= session)


def others_since(history: pl.DataFrame, version: int, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the commits of a table's `history` after `version` that may have touched `sessions`, newest first.

    Those are all that wrote one of them, and all that tell of no session, as compaction does.
    """
    later = history.filter(pl.col("version") > version)
    if not sessions:
        return later
    told = (pl.col("first_session") <= max(sessions)) & (pl.col("last_session") >= min(sessions))
    return later.filter(told | pl.col("first_session").is_null())


def version_read(table: Table) -> pl.Expr:
    """Return the version of `table` that a commit's rows were made from, null when it read none."""
    of_table = pl.element().filter(pl.element().struct.field("table") == table.sql_name).struct.field("version")
    return pl.col("read").list.eval(of_table).list.first()
