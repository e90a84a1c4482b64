"""One commit that replaces rows of a table with a stream of new rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
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
from pipeline.lake.delta.layout import parquet, rows_of, rows_of_tickers
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
    tickers: Sequence[str] | None = None
    """The tickers whose rows are replaced in these sessions; None for all."""

    @property
    def predicate(self) -> str | None:
        """Return the predicate of exactly the rows that are replaced; None replaces all."""
        if self.tickers is not None:
            return rows_of_tickers(self.table, self.sessions, self.tickers)
        return rows_of(self.table, self.sessions) if self.sessions else None


MOST_REWRITES = 20
"""How often a replacement of single tickers begins again because files were rewritten for other tickers."""


def commit(
    store: Store,
    opened: DeltaTable,
    overwrite: Overwrite,
    require_allowed: Callable[[], None],
    batches: Iterator[RecordBatch],
) -> None:
    """Replace the rows named by `overwrite` with those of `batches`, which are read once, in one commit to `opened`.

    `require_allowed` is called last, and raises to refuse. Raises WriteConflict when another writer changed these rows
    since the table was opened; then, and when making the batches raises, nothing is committed. Raises TableDamaged when
    a file with other rows to keep is missing or damaged.
    """
    if overwrite.tickers is None:
        _commit(store, opened, overwrite, _and_then(batches, require_allowed))
        return
    # Files hold rows of many tickers: where another writer rewrote them for other tickers, the commit is made again.
    kept = list(batches)
    for _ in range(MOST_REWRITES - 1):
        with suppress(FilesRewritten):
            _commit(store, opened, overwrite, _and_then(iter(kept), require_allowed))
            return
    _commit(store, opened, overwrite, _and_then(iter(kept), require_allowed))


def _and_then(batches: Iterator[RecordBatch], last: Callable[[], None]) -> Iterator[RecordBatch]:
    yield from batches
    last()


def _commit(store: Store, opened: DeltaTable, overwrite: Overwrite, batches: Iterator[RecordBatch]) -> None:
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
        with store.answering(DeltaError):  # the server may be gone since
            opened.update_incremental()
        if not is_in_the_way(opened, since, overwrite):
            raise FilesRewritten(
                f"Other runs keep rewriting the files of {table.sql_name}; its rows stay.", remedy="Run it again."
            ) from failed
        raise conflict(table, opened, since, overwrite.sessions) from failed
    except DeltaError as failed:
        known = meaning(failed, store)
        if known is None:
            raise
        raise known from failed


class FilesRewritten(WriteConflict):
    """Another writer rewrote the same files, for rows of other tickers: what was to be written is not outdated."""


def is_in_the_way(newest: DeltaTable, since: int, overwrite: Overwrite) -> bool:
    """Return whether a commit after version `since` may have changed rows that `overwrite` replaces."""
    return (
        overwrite.tickers is None
        or not others_since(commits_of(newest), since, overwrite.sessions, overwrite.tickers).is_empty()
    )


def conflict(table: Table, newest: DeltaTable, since: int, sessions: Sequence[date] = ()) -> WriteConflict:
    """Return the error that names the last commit after version `since` that conflicts with a write."""
    others = others_since(commits_of(newest), since, sessions)
    who = "version {version}, by run {run_id}".format(**others.row(0, named=True)) if len(others) else "see its history"
    return WriteConflict(
        f"Another run changed the same rows of {table.sql_name} meanwhile ({who}); its rows stay.",
        remedy="Run it again.",
    )
