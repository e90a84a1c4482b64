"""The metadata of a commit: its run, the sessions it replaced, the versions it read, and the code that computed it."""

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

if TYPE_CHECKING:  # the contracts import pandera and pandas, too slow for a mere query
    from pipeline.contracts.table import Table

TAKEN_OUT = "taken_out"
"""Metadata key of the sessions to make again, in a commit that takes damaged files out of a table."""


LOST_ENTRY = "LOG ENTRY LOST"
"""Operation of the entry that a repair puts in the place of a lost one."""


class Changes(StrEnum):
    """Which rows a commit may have changed."""

    NOTHING = "nothing"
    """Creation, compaction, vacuum, properties: the rows are as before."""
    SESSIONS = "sessions"
    """The rows of the sessions in its metadata."""
    TAKEN_OUT = "taken out"
    """Damaged rows are gone until they are made again."""
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
    "tickers": pl.List(pl.String),
    "read": READ,
    "computed_by": pl.String,
    "changes": pl.String,
}
"""Columns of a table's history. `tickers` are those whose rows the commit replaced in its sessions, null for all of
them. `read` holds, by SQL name, the versions that the rows were computed from.

A table that did not exist when it was read has a null version. `computed_by` holds, as a JSON object, the fingerprints
of the code and the declarations that computed the rows, by part; it is null where our code did not compute them, and in
commits of program versions that did not record it. Sessions and `read` are null in commits that changed no row
(creation, compaction, vacuum) and in those of other programs. `changes` is one of `Changes`.
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
class WriteResult:
    """The result of one replacement."""

    version: int
    rows: int
    rows_per_session: dict[date, int]
    rows_in_table: int
    """Rows of all sessions, after the commit."""
    files_added: int
    bytes_added: int


def total_written(writings: Sequence[WriteResult]) -> WriteResult:
    """Return the combined result of consecutive replacements of one table, each of other sessions."""
    return WriteResult(
        version=writings[-1].version,
        rows=sum(write.rows for write in writings),
        rows_per_session={session: rows for write in writings for session, rows in write.rows_per_session.items()},
        rows_in_table=writings[-1].rows_in_table,
        files_added=sum(write.files_added for write in writings),
        bytes_added=sum(write.bytes_added for write in writings),
    )


def commit_metadata(
    run_id: str,
    read: Sequence[Reading],
    computed_by: Mapping[str, str],
    sessions: Sequence[date] = (),
    tickers: Sequence[str] | None = None,
) -> dict[str, str]:
    """Return the metadata of a commit of rows."""
    by = {"computed_by": json.dumps(computed_by, sort_keys=True)} if computed_by else {}
    span = {"first_session": str(min(sessions)), "last_session": str(max(sessions))} if sessions else {}
    versions = [{"table": reading.table.sql_name, "version": reading.version} for reading in read]
    scope = {} if tickers is None else {"tickers": json.dumps(sorted(tickers))}
    return {"run_id": run_id, "read": json.dumps(versions)} | by | span | scope


def commits_of(opened: DeltaTable) -> pl.DataFrame:
    """Return the commits of a table, newest first, in the columns of `COMMIT`. Raises TableDamaged."""
    return as_commits(history_of(opened))


def history_of(opened: DeltaTable, limit: int | None = None) -> list[dict[str, Any]]:
    """Return the metadata of the last `limit` commits of a table, newest first.

    Raises TableDamaged when another program wrote metadata that Delta cannot read.
    """
    try:
        return opened.history(limit)
    except (DeltaError, ValueError, RecursionError) as unreadable:
        raise TableDamaged(
            f"The metadata of a commit of {name_of(opened).replace('/', '.', 1)} cannot be read: "
            f"{str(unreadable).splitlines()[0]}.",
            remedy="`candlelake verify` checks every entry of its log. Its rows are still readable.",
        ) from unreadable


def as_commits(infos: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return the metadata of commits, each with its `version`, in the columns of `COMMIT`.

    Metadata of other programs in another form than ours are ignored.
    """
    return pl.DataFrame([_commit(info) for info in infos], schema=COMMIT)


def changed_since(opened: DeltaTable, version: int) -> bool:
    """Return whether a commit after `version` may have changed rows of the table. Raises TableDamaged."""
    since = opened.version() - version
    return since > 0 and (as_commits(history_of(opened, since))["changes"] != Changes.NOTHING).any()


def _commit(info: Mapping[str, Any]) -> dict[str, Any]:
    first, last = replaced_sessions(info) or (None, None)
    run_id, at = info.get("run_id"), info.get("timestamp")
    return {
        "version": info["version"],
        "committed_at": at * 1_000 if isinstance(at, int) and 0 <= at <= LATEST else 0,
        "run_id": run_id if isinstance(run_id, str) else None,
        "first_session": first,
        "last_session": last,
        "tickers": _tickers(info.get("tickers")),
        "read": _versions_read(info.get("read")),
        "computed_by": info.get("computed_by"),
        "changes": _changes(info),
    }


def replaced_sessions(info: Mapping[str, Any]) -> tuple[date, date] | None:
    """Return the first and the last session whose rows a commit replaced, by its metadata; None without sessions."""
    return _span([info.get("first_session"), info.get("last_session")])


def taken_out_sessions(info: Mapping[str, Any]) -> list[tuple[date, date]]:
    """Return the spans of sessions that a commit took out as damaged, by its metadata."""
    value = _json_value(info.get(TAKEN_OUT))
    return [span for bounds in value if (span := _span(bounds)) is not None] if isinstance(value, list) else []


def _span(bounds: object) -> tuple[date, date] | None:
    try:
        first, last = map(date.fromisoformat, bounds)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return None
    return first, last


def _tickers(value: object) -> list[str] | None:
    names = _json_value(value)
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _versions_read(value: object) -> list[dict[str, Any]] | None:
    versions = _json_value(value)
    return versions if isinstance(versions, list) and all(map(_is_version, versions)) else None


def _is_version(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("table"), str):
        return False
    version = value.get("version")
    return version is None or (isinstance(version, int) and 0 <= version <= LARGEST)


def _json_value(text: object) -> object:
    """Return the value of a JSON text in a commit; None when it is not JSON."""
    try:
        return from_json(text) if isinstance(text, str) else None
    except NotJson:
        return None


def _changes(info: Mapping[str, Any]) -> Changes:
    operation = str(info.get("operation"))
    if "compacted" in info or operation in _SAME_ROWS:
        return Changes.NOTHING
    if operation == LOST_ENTRY:
        return Changes.UNKNOWN
    if TAKEN_OUT in info:
        return Changes.TAKEN_OUT
    return Changes.SESSIONS if replaced_sessions(info) else Changes.ANY


def writings(history: pl.DataFrame, session: date) -> pl.DataFrame:
    """Return the commits of a table's `history` that wrote the rows of `session`, newest first."""
    return history.filter(pl.col("first_session") <= session, pl.col("last_session") >= session)


def others_since(
    history: pl.DataFrame, version: int, sessions: Sequence[date], tickers: Sequence[str] | None = None
) -> pl.DataFrame:
    """Return the commits of a table's `history` after `version` that may have touched `sessions`, newest first.

    These are all commits that wrote one of them, and all without sessions, such as compactions. With `tickers`, commits
    that replaced rows of other tickers only are left out.
    """
    later = history.filter(pl.col("version") > version)
    if not sessions:
        return later
    touches_sessions = (pl.col("first_session") <= max(sessions)) & (pl.col("last_session") >= min(sessions))
    if tickers is not None:
        same = pl.col("tickers").list.set_intersection(list(tickers)).list.len() > 0
        touches_sessions &= pl.col("tickers").is_null() | same
    return later.filter(touches_sessions | pl.col("first_session").is_null())


def version_read(table: Table) -> pl.Expr:
    """Return the version of `table` that a commit's rows were computed from, null when it did not read the table."""
    of_table = pl.element().filter(pl.element().struct.field("table") == table.sql_name).struct.field("version")
    return pl.col("read").list.eval(of_table).list.first()
