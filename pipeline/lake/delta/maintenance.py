"""Keeps tables fast and small: rewrites partitions in order, and removes files that no version needs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl
from arro3.core import RecordBatchReader
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from pipeline.contracts.table import Table
from pipeline.errors import SettingsError, TableDamaged, WriteConflict
from pipeline.lake.delta.commit_moments import no_earlier_than_predecessors
from pipeline.lake.delta.files import scan_files
from pipeline.lake.delta.incoming import arrow_schema, partition_of
from pipeline.lake.delta.layout import parquet
from pipeline.lake.delta.overwrite import NOTHING_AFTER, conflict
from pipeline.lake.lake import Lake

SHORTEST_RETENTION = timedelta(days=1)
"""A file younger than this may belong to a write that is still under way."""


@dataclass(frozen=True)
class CompactedPartition:
    """A partition that was rewritten."""

    month: str
    """Or the session, for a table that is partitioned by session."""
    rows: int
    files_before: int
    files_after: int


def compact(lake: Lake, table: Table, *, run_id: str, before: date | None = None) -> list[CompactedPartition]:
    """Rewrite each month that is in several files or out of order as one file sorted by the table's key.

    A table partitioned by session is rewritten session by session. Months from that of `before` on are left alone
    (None: all are done). Each month is one commit; its rows stay the same. Raises TableMissing; TableDamaged when a
    month does not have the rows that its log says; WriteConflict when a run changed the month meanwhile: months done
    before stay done. A table refreshed whole needs no compaction.
    """
    lake.store.require_safe_commits()
    opened = lake.open(table)
    if table.session is None:  # written whole and in order each time
        return []
    files = _files_per_partition(opened, table)
    ahead = before.strftime(table.layout.pattern) if before else None
    months = [month for month in sorted(files) if ahead is None or month < ahead]
    return [
        _rewrite(lake, table, month, run_id)
        for month in months
        if len(files[month]) > 1 or not _in_order(lake, table, opened, files[month])
    ]


def vacuum(lake: Lake, table: Table, *, keep: timedelta, run_id: str) -> list[str]:
    """Remove the files that no version of the last `keep` needs, and leftovers of killed writers; return their names.

    Every version that was the newest at some moment of that time stays readable, and with it everything that the lists
    published then have read. Older versions become unreadable where their rows were replaced since. Raises
    TableMissing, and SettingsError when `keep` is under a day: files of a write under way could go.
    """
    if keep < SHORTEST_RETENTION:
        raise SettingsError(
            f"Vacuum would keep only {keep} of {table.sql_name}; a write under way could lose its files.",
            remedy=f"Keep {SHORTEST_RETENTION} or more.",
        )
    lake.store.require_safe_commits()
    opened = lake.open_to_write(table.path)
    lake.fingerprints(table.path).require_none_lost(opened.version())
    lake.keep_log(opened, run_id)  # or Delta would remove log entries with the files
    before = opened.version()
    with lake.store.answering():
        removed = opened.vacuum(
            retention_hours=int(keep / timedelta(hours=1)),
            dry_run=False,
            enforce_retention_duration=False,
            # Without this, Delta decides by the age of files, once a checkpoint has forgotten when they were replaced.
            full=True,
            keep_versions=_versions_since(lake, table, datetime.now(UTC) - keep, opened.version()),
            commit_properties=CommitProperties(custom_metadata={"run_id": run_id}),
            post_commithook_properties=NOTHING_AFTER,
        )
    lake.follow_up(opened, [], commits=opened.version() - before)
    return [*removed, *lake.store.remove_leftovers(table.path, older_than=keep)]


def _versions_since(lake: Lake, table: Table, moment: datetime, newest: int) -> list[int]:
    """Return the versions that were the newest at `moment` or later, up to `newest`, and can still be opened."""
    # By the moment of the next version, not by their order: the clock may have been set back in between.
    readable = lake.trail(table).readable_commits().filter(pl.col("version") <= newest)
    commits = no_earlier_than_predecessors(readable, datetime.now(UTC))
    dated = commits.with_columns(replaced_at=pl.col("committed_at").shift(-1))
    needed = dated.filter(
        (pl.col("committed_at") > moment) | (pl.col("replaced_at") > moment) | (pl.col("version") == newest)
    )
    return needed["version"].to_list()


def _rewrite(lake: Lake, table: Table, month: str, run_id: str) -> CompactedPartition:
    opened = lake.open_to_write(table.path)
    lake.fingerprints(table.path).require_none_lost(opened.version())
    lake.keep_log(opened, run_id)
    before = _files_per_partition(opened, table)[month]
    stored = scan_files(opened, before, table.columns, lake.storage_options)
    rows = stored.sort(table.key).with_columns(partition_of(table)).collect().rechunk()
    if len(rows) != sum(before.values()):
        raise TableDamaged(
            f"{table.sql_name} has {len(rows)} rows of {month}, its log says {sum(before.values())}.",
            remedy=f"Leave it as it is, and backfill {month} again.",
        )
    # One batch: several threads would write several batches, and mix their rows.
    reader = RecordBatchReader.from_batches(arrow_schema(table), iter(RecordBatchReader.from_stream(rows)))
    try:
        with lake.store.answering():
            write_deltalake(
                opened,
                reader,
                mode="overwrite",
                predicate=f"{table.layout.column} = '{_checked(table, month)}'",
                writer_properties=parquet(table),
                commit_properties=CommitProperties(custom_metadata={"run_id": run_id, "compacted": month}),
                post_commithook_properties=NOTHING_AFTER,
            )
    except CommitFailedError as failed:
        message = conflict(table, lake.open(table), opened.version()).message
        raise WriteConflict(
            f"{message} Compaction left {month} alone.",
            remedy="Compact again when no run writes to it.",
        ) from failed
    after = _files_per_partition(opened, table)[month]
    lake.follow_up(opened, after)
    return CompactedPartition(month=month, rows=len(rows), files_before=len(before), files_after=len(after))


def _checked(table: Table, partition: str) -> str:
    # Parsed as a date, so that only a month or a day can get into a predicate.
    return datetime.strptime(partition, table.layout.pattern).strftime(table.layout.pattern)  # noqa: DTZ007 (a date)


def _files_per_partition(opened: DeltaTable, table: Table) -> dict[str, dict[str, int]]:
    actions = pl.DataFrame(opened.get_add_actions(flatten=True))
    files: dict[str, dict[str, int]] = {}
    for month, path, rows in actions.select(f"partition.{table.layout.column}", "path", "num_records").iter_rows():
        files.setdefault(month, {})[path] = rows
    return files


def _in_order(lake: Lake, table: Table, opened: DeltaTable, files: Iterable[str]) -> bool:
    keys = {name: table.columns[name] for name in table.key}
    stored = scan_files(opened, files, keys, lake.storage_options).collect()
    return stored.equals(stored.sort(table.key))
