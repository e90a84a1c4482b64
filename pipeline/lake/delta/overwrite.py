"""One commit that replaces rows of a table by a stream of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from arro3.core import RecordBatch, RecordBatchReader
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, write_deltalake
from deltalake.exceptions import CommitFailedError

from pipeline.errors import WriteConflict
from pipeline.lake.delta.commits import commits_of, others_since
from pipeline.lake.delta.handover import Handover
from pipeline.lake.delta.incoming import arrow_schema
from pipeline.lake.delta.layout import parquet, rows_of
from pipeline.lake.storage.store import Store

if TYPE_CHECKING:  # the contracts bring pandera and pandas, which a mere query should not wait for
    from pipeline.contracts.table import Table

NOTHING_AFTER = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
"""A commit, and nothing that could fail after it, when its rows are in the table already.

Versions go by the user's retention, when a table is vacuumed, and not by Delta's own after 30 days.
"""


@dataclass(frozen=True)
class Overwrite:
    """Which rows of a table a commit replaces, and what it says of itself."""

    table: Table
    sessions: Sequence[date]
    """Those whose rows are replaced; none of a table refreshed whole, where all are."""
    said: dict[str, str]

    @property
    def predicate(self) -> str | None:
        """Return what is true of exactly the rows that are replaced; None replaces all."""
        return rows_of(self.table, self.sessions) if self.sessions else None


def commit(store: Store, opened: DeltaTable, asked: Overwrite, batches: Iterator[RecordBatch]) -> None:
    """Put the rows of `batches`, read once, in place of those that `asked` names, in one commit to `opened`.

    Raises WriteConflict when another writer changed these rows since the table was opened; then, and when making the
    batches raises, nothing is committed.
    """
    table = asked.table

    def write(handed: Iterator[RecordBatch]) -> None:
        with store.answering():
            write_deltalake(
                opened,
                RecordBatchReader.from_batches(arrow_schema(table), handed),
                mode="overwrite",
                predicate=asked.predicate,
                # A column new to the contract joins the table; the rows of other sessions lack it until they are
                # written again.
                schema_mode="merge",
                writer_properties=parquet(table),
                # Of two that replace a whole table which is still empty, Delta would keep the rows of both.
                commit_properties=CommitProperties(
                    asked.said, max_commit_retries=0 if asked.predicate is None else None
                ),
                post_commithook_properties=NOTHING_AFTER,
            )

    try:
        Handover[RecordBatch](write).pass_on(batches)
    except CommitFailedError as failed:
        since = opened.version()
        opened.update_incremental()
        raise conflict(table, opened, since, asked.sessions) from failed


def conflict(table: Table, newest: DeltaTable, since: int, sessions: Sequence[date] = ()) -> WriteConflict:
    """Return the error that names the last of the commits after version `since` with which a write collided."""
    others = others_since(commits_of(newest), since, sessions)
    who = "version {version}, by run {run_id}".format(**others.row(0, named=True)) if len(others) else "see its history"
    return WriteConflict(
        f"Another run changed the same rows of {table.sql_name} meanwhile ({who}); its rows stay.",
        remedy="Run it again.",
    )
