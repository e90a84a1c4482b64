"""One commit that replaces rows of a table with a stream of new rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from arro3.core import RecordBatch, RecordBatchReader
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from pipeline.errors import WriteConflict
from pipeline.lake.delta.commits import commits_of, others_since
from pipeline.lake.delta.handover import Handover
from pipeline.lake.delta.incoming import arrow_schema
from pipeline.lake.delta.layout import parquet, rows_of
from pipeline.lake.delta.reading_failures import meaning
from pipeline.lake.storage.store import Store

if TYPE_CHECKING:  # the contracts import pandera and pandas, too slow for a mere query
    from pipeline.contracts.table import Table

NOTHING_AFTER = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
"""Only the commit, and nothing after it that could fail when its rows are in the table already.

Versions expire by the user's retention, when a table is vacuumed, not by Delta's own after 30 days.
"""


@dataclass(frozen=True)
class Overwrite:
    """The rows of a table that a commit replaces, and its metadata."""

    table: Table
    sessions: Sequence[date]
    """The sessions whose rows are replaced; empty for a table refreshed whole, where all rows are."""
    metadata: dict[str, str]

    @property
    def predicate(self) -> str | None:
        """Return the predicate of exactly the rows that are replaced; None replaces all."""
        return rows_of(self.table, self.sessions) if self.sessions else None


def commit(store: Store, opened: DeltaTable, overwrite: Overwrite, batches: Iterator[RecordBatch]) -> None:
    """Replace the rows named by `overwrite` with those of `batches`, which are read once, in one commit to `opened`.

    Raises WriteConflict when another writer changed these rows since the table was opened; then, and when making the
    batches raises, nothing is committed. Raises TableDamaged when a file with other rows to keep is missing or damaged.
    """
    table = overwrite.table

    def write(stream: Iterator[RecordBatch]) -> None:
        with store.answering():
            write_deltalake(
                opened,
                RecordBatchReader.from_batches(arrow_schema(table), stream),
                mode="overwrite",
                predicate=overwrite.predicate,
                # A column new to the contract joins the table; the rows of other sessions lack it until they are
                # written again.
                schema_mode="merge",
                writer_properties=parquet(table),
                # When two writers replace a whole table that is still empty, Delta would keep the rows of both.
                commit_properties=CommitProperties(
                    overwrite.metadata, max_commit_retries=0 if overwrite.predicate is None else None
                ),
                post_commithook_properties=NOTHING_AFTER,
            )

    try:
        Handover[RecordBatch](write).pass_on(batches)
    except CommitFailedError as failed:
        since = opened.version()
        opened.update_incremental()
        raise conflict(table, opened, since, overwrite.sessions) from failed
    except DeltaError as failed:
        known = meaning(failed, store)
        if known is None:
            raise
        raise known from failed


def conflict(table: Table, newest: DeltaTable, since: int, sessions: Sequence[date] = ()) -> WriteConflict:
    """Return the error that names the last commit after version `since` that conflicts with a write."""
    others = others_since(commits_of(newest), since, sessions)
    who = "version {version}, by run {run_id}".format(**others.row(0, named=True)) if len(others) else "see its history"
    return WriteConflict(
        f"Another run changed the same rows of {table.sql_name} meanwhile ({who}); its rows stay.",
        remedy="Run it again.",
    )
