"""What a commit tells of itself: the run, the sessions it replaced, which versions it was made from, and by what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import polars as pl
from deltalake import DeltaTable

if TYPE_CHECKING:  # the contracts bring pandera and pandas, which a mere query should not wait for
    from pipeline.contracts.table import Table

TAKEN_OUT = "taken_out"
"""What the commit that takes damaged files out of a table calls the sessions that are to be made again."""


LOST_ENTRY = "LOG ENTRY LOST"
"""Operation of the entry that a repair puts in the place of a lost one."""


class Changes(StrEnum):
    """Which rows a commit may have changed."""

    NOTHING = "nothing"
    """Creation, compaction, vacuum, properties: the rows are as before."""
    SESSIONS = "sessions"
    """Those of the sessions it tells of."""
    TAKEN_OUT = "taken out"
    """Damaged ones are gone until they are made again."""
    UNKNOWN = "unknown"
    """A repair put the commit in the place of one that is lost."""
    ANY = "any"
    """A refresh of the whole table, or a commit of another program."""


_SAME_ROWS = {"CREATE TABLE", "OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES"}
"""Operations of Delta that change no row."""

READ = pl.List(pl.Struct({"table": pl.String, "version": pl.Int64}))

COMMIT: dict[str, Any] = {
    "version": pl.Int64,
    "committed_at": pl.Datetime("us", "UTC"),
    "run_id": pl.String,
    "first_session": pl.Date,
    "last_session": pl.Date,
    "read": READ,
    "computed_by": pl.String,
    "changes": pl.String,
}
"""Columns of a table's history. `read` holds, by SQL name, the versions that the rows were made from.

A table that had never been written when it was read has a null version. `computed_by` holds, as a JSON object, the
fingerprints of the code and the declarations that computed the rows, by part; it is null where no code of ours did, and
in the commits of versions that did not record it. Sessions and `read` are null in commits that changed no row:
creation, compaction, vacuum. `changes` is one of `Changes`.
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


def told(
    run_id: str, read: Sequence[Reading], computed_by: Mapping[str, str], sessions: Sequence[date] = ()
) -> dict[str, str]:
    """Return what a commit of rows carries."""
    by = {"computed_by": json.dumps(computed_by, sort_keys=True)} if computed_by else {}
    span = {"first_session": str(min(sessions)), "last_session": str(max(sessions))} if sessions else {}
    versions = [{"table": one.table.sql_name, "version": one.version} for one in read]
    return {"run_id": run_id, "read": json.dumps(versions)} | by | span


def commits_of(opened: DeltaTable) -> pl.DataFrame:
    """Return the commits of a table, newest first, in the columns of `COMMIT`."""
    return as_commits(opened.history())


def as_commits(said: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Return what commits said of themselves, each with its `version`, in the columns of `COMMIT`."""
    return pl.DataFrame([_commit(one) for one in said], schema=COMMIT)


def changed_since(opened: DeltaTable, version: int) -> bool:
    """Return whether a commit after `version` may have changed rows of the table."""
    since = opened.version() - version
    return since > 0 and (as_commits(opened.history(since))["changes"] != Changes.NOTHING).any()


def _commit(said: dict[str, Any]) -> dict[str, Any]:
    first, last = said.get("first_session"), said.get("last_session")
    return {
        "version": said["version"],
        "committed_at": said["timestamp"] * 1_000,
        "run_id": said.get("run_id"),
        "first_session": date.fromisoformat(first) if first else None,
        "last_session": date.fromisoformat(last) if last else None,
        "read": json.loads(said["read"]) if "read" in said else None,
        "computed_by": said.get("computed_by"),
        "changes": _changes(said),
    }


def _changes(said: dict[str, Any]) -> Changes:
    if "compacted" in said or said.get("operation") in _SAME_ROWS:
        return Changes.NOTHING
    if said.get("operation") == LOST_ENTRY:
        return Changes.UNKNOWN
    if TAKEN_OUT in said:
        return Changes.TAKEN_OUT
    return Changes.SESSIONS if "first_session" in said else Changes.ANY


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
