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
from deltalake.exceptions import DeltaError

from pipeline.contracts.foreign_json import NotJson, from_json
from pipeline.errors import TableDamaged
from pipeline.lake.delta.files import name_of

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
creation, compaction, vacuum; and in those of other programs. `changes` is one of `Changes`.
"""

LARGEST = 2**63 - 1
"""The largest number that a column of integers holds."""

LATEST = 253_402_300_799_999
"""The last millisecond of the year 9999."""


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
    """Return the commits of a table, newest first, in the columns of `COMMIT`. Raises TableDamaged."""
    return as_commits(history_of(opened))


def history_of(opened: DeltaTable, limit: int | None = None) -> list[dict[str, Any]]:
    """Return what the last `limit` commits of a table said of themselves, newest first.

    Raises TableDamaged when another program wrote there what Delta cannot read.
    """
    try:
        return opened.history(limit)
    except (DeltaError, ValueError, RecursionError) as unreadable:
        raise TableDamaged(
            f"What a commit of {name_of(opened).replace('/', '.', 1)} says of itself cannot be read: "
            f"{str(unreadable).splitlines()[0]}.",
            remedy="`candlelake verify` looks at every entry of its log. Its rows can be read all the same.",
        ) from unreadable


def as_commits(said: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return what commits said of themselves, each with its `version`, in the columns of `COMMIT`.

    What another program said in a form that is not ours counts as not said.
    """
    return pl.DataFrame([_commit(one) for one in said], schema=COMMIT)


def changed_since(opened: DeltaTable, version: int) -> bool:
    """Return whether a commit after `version` may have changed rows of the table. Raises TableDamaged."""
    since = opened.version() - version
    return since > 0 and (as_commits(history_of(opened, since))["changes"] != Changes.NOTHING).any()


def _commit(said: Mapping[str, Any]) -> dict[str, Any]:
    first, last = sessions_told(said) or (None, None)
    run_id, at = said.get("run_id"), said.get("timestamp")
    return {
        "version": said["version"],
        "committed_at": at * 1_000 if isinstance(at, int) and 0 <= at <= LATEST else 0,
        "run_id": run_id if isinstance(run_id, str) else None,
        "first_session": first,
        "last_session": last,
        "read": _read(said.get("read")),
        "computed_by": said.get("computed_by"),
        "changes": _changes(said),
    }


def sessions_told(said: Mapping[str, Any]) -> tuple[date, date] | None:
    """Return the first and the last session whose rows a commit says it replaced; None when it says of none."""
    return _span([said.get("first_session"), said.get("last_session")])


def taken_out(said: Mapping[str, Any]) -> list[tuple[date, date]]:
    """Return the spans of sessions that a commit says it took out as damaged."""
    told = _parsed(said.get(TAKEN_OUT))
    return [span for one in told if (span := _span(one)) is not None] if isinstance(told, list) else []


def _span(told: object) -> tuple[date, date] | None:
    try:
        first, last = map(date.fromisoformat, told)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return None
    return first, last


def _read(told: object) -> list[dict[str, Any]] | None:
    read = _parsed(told)
    return read if isinstance(read, list) and all(map(_is_version, read)) else None


def _is_version(told: object) -> bool:
    if not isinstance(told, dict) or not isinstance(told.get("table"), str):
        return False
    version = told.get("version")
    return version is None or (isinstance(version, int) and 0 <= version <= LARGEST)


def _parsed(text: object) -> object:
    """Return the value of a JSON text in a commit; None when it is none."""
    try:
        return from_json(text) if isinstance(text, str) else None
    except NotJson:
        return None


def _changes(said: Mapping[str, Any]) -> Changes:
    operation = str(said.get("operation"))
    if "compacted" in said or operation in _SAME_ROWS:
        return Changes.NOTHING
    if operation == LOST_ENTRY:
        return Changes.UNKNOWN
    if TAKEN_OUT in said:
        return Changes.TAKEN_OUT
    return Changes.SESSIONS if sessions_told(said) else Changes.ANY


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
