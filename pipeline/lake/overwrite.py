"""One commit that replaces rows of a table by a stream of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arro3.core import RecordBatch, RecordBatchReader
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, write_deltalake
from deltalake.exceptions import CommitFailedError

from pipeline.errors import WriteConflict
from pipeline.lake.handover import Handover
from pipeline.lake.incoming import arrow_schema
from pipeline.lake.layout import parquet
from pipeline.lake.store import Store

if TYPE_CHECKING:  # the contracts bring pandera and pandas, which a mere query should not wait for
    from pipeline.contracts.table import Table

KEEP_LOG = PostCommitHookProperties(cleanup_expired_logs=False)
"""Versions go by the user's retention, when a table is vacuumed, and not by Delta's own after 30 days."""


@dataclass(frozen=True)
class Overwrite:
    """Which rows of a table a commit replaces, and what it says of itself."""

    table: Table
    predicate: str | None
    """True of the rows that are replaced; None replaces all."""
    said: dict[str, str]


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
                post_commithook_properties=KEEP_LOG,
            )

    try:
        Handover[RecordBatch](write).pass_on(batches)
    except CommitFailedError as failed:
        raise conflict(table, str(failed)) from failed


def conflict(table: Table, found: str) -> WriteConflict:
    """Return the error that says that another run changed the same rows of `table`."""
    said = f"Another run changed the same rows of {table.sql_name} meanwhile; this one wrote nothing: {found}."
    return WriteConflict(said, remedy="Run it again.")
