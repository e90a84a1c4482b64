"""The lake's Delta tables: opening, reading, and replacing the rows of sessions."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from arro3.core import RecordBatchReader
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pipeline.errors import ContractBroken, TableMissing
from pipeline.lake.delta.commits import Reading, WriteResult, changed_since, commit_metadata, commits_of, others_since
from pipeline.lake.delta.files import files_of, folder_of, name_of, of_sessions, scan_files, sessions_in, sizes_of
from pipeline.lake.delta.fingerprints import Fingerprints, record_or_warn
from pipeline.lake.delta.incoming import FAULT, Incoming
from pipeline.lake.delta.layout import delta_properties, delta_schema, require_same_types
from pipeline.lake.delta.log_keeping import flush_commits, is_log_kept, keep_log, sum_up_or_warn
from pipeline.lake.delta.open_tables import OpenTables
from pipeline.lake.delta.overwrite import Overwrite, commit, conflict
from pipeline.lake.delta.trail import Trail
from pipeline.lake.storage.lake_objects import objects_at
from pipeline.lake.storage.privacy import keep_table_private
from pipeline.lake.storage.s3_prefix import S3Prefix
from pipeline.lake.storage.store import store_of

if TYPE_CHECKING:  # the contracts import pandera and pandas, too slow for a mere query
    from pipeline.contracts.table import Table


class Lake:
    """The tables at one place, a folder or a prefix on S3; each is the Delta table `<root>/<market>/<name>`.

    `may_write` is called before each commit, after the table was opened, with the id of the run that writes; it raises
    to refuse. `computed_by` returns the fingerprints of the code that computes a table, for its commits. `opened` are
    the tables that another Lake of the same place keeps open. Raises SettingsError when no lake can be at this place.
    """

    def __init__(
        self,
        place: Path | str | S3Prefix,
        may_write: Callable[[str], None] = lambda _: None,
        computed_by: Callable[[Table], Mapping[str, str]] = lambda _: {},
        opened: OpenTables | None = None,
    ) -> None:
        self._may_write, self._computed_by = may_write, computed_by
        self.store = store_of(place)
        self.root, self.storage_options = self.store.root, self.store.storage_options
        self.objects = objects_at(self.store)
        self.opened = opened or OpenTables(self.store, self.objects)
        self._trails: dict[str, Trail] = {}

    def uri(self, table: Table) -> str:
        """Return the address of the table."""
        return self.uri_of(table.path)

    def uri_of(self, name: str) -> str:
        """Return the address of the table called `market/name`."""
        return f"{self.root}/{name}"

    def tables(self) -> list[str]:
        """Return every table there is, as `market/name`, in alphabetical order."""
        return self.store.tables()

    def exists(self, table: Table) -> bool:
        """Return whether the table has ever been written. Raises TableDamaged when its log is lost."""
        return self.opened.newest(table.path) is not None

    def version(self, table: Table) -> int:
        """Return the number of the table's newest version. Raises TableMissing, TableDamaged."""
        return self.open(table).version()

    def open(self, table: Table, version: int | None = None) -> DeltaTable:
        """Return the Delta table for reading only, at `version`, or at its newest version when None.

        Raises TableMissing when there is no such table or version, TableDamaged when the log is lost.
        """
        if version is None:
            return self.open_named(table.path)
        opened = self.open_to_write(table.path)
        try:
            opened.load_as_version(version)
        except DeltaError as unreadable:
            raise TableMissing(
                f"{table.sql_name} cannot be read as of version {version} (newest is {opened.version()}): {unreadable}",
                remedy="Ask for a newer version; old ones go when the table is vacuumed.",
            ) from unreadable
        return opened

    def open_named(self, name: str) -> DeltaTable:
        """Return the Delta table called `market/name` at its newest version, for reading only.

        Raises TableMissing, TableDamaged.
        """
        return self._there(name, self.opened.newest(name))

    def open_to_write(self, name: str) -> DeltaTable:
        """Return the Delta table called `market/name` at its newest version, for this caller only, who may change it.

        Raises TableMissing, TableDamaged.
        """
        return self._there(name, self.opened.fresh(name))

    def _there(self, name: str, opened: DeltaTable | None) -> DeltaTable:
        if opened is None:
            raise TableMissing(
                f"{name.replace('/', '.', 1)} does not exist in {self.root}.",
                remedy="Run `candlelake run` for one session or `candlelake backfill` for many.",
            )
        return opened

    def fingerprints(self, name: str) -> Fingerprints:
        """Return the records of the files that every commit of the table called `market/name` wrote."""
        return Fingerprints(self.objects, name)

    def history(self, name: str) -> pl.DataFrame:
        """Return the readable versions of the table `market/name`, newest first, in the columns of `COMMIT`."""
        return self._trail(name).readable_commits()

    def trail(self, table: Table) -> Trail:
        """Return the metadata of every commit of a table, whether or not the log still has it."""
        return self._trail(table.path)

    def _trail(self, name: str) -> Trail:
        return self._trails.setdefault(name, Trail(self.objects, name, self.open_named))

    def sessions(self, table: Table) -> list[date]:
        """Return the sessions the table has rows for, oldest first. Raises TableMissing."""
        return sessions_in(self.open(table), self.storage_options)

    def scan(
        self,
        table: Table,
        start: date | None = None,
        end: date | None = None,
        columns: Sequence[str] | None = None,
        version: int | None = None,
    ) -> pl.LazyFrame:
        """Return the rows of the sessions `start` … `end` (both included, open when None), in no order.

        Only files and row groups that can contain such rows are read. The version is fixed here: commits of others
        before the frame is collected do not show. Raises TableMissing, TableDamaged. Collecting raises errors of
        Polars; `reading_failures.meaning` interprets them.
        """
        return self._rows(self.open(table, version), table, start, end, columns or list(table.columns))

    def read(self, table: Table, start: date | None = None, end: date | None = None) -> Reading:
        """Return the rows of `scan` together with their version, for a table that is computed from them.

        A table that may be empty and was never written has no rows and no version.
        """
        try:
            opened = self.open(table)
        except TableMissing:
            if table.may_be_empty:
                return Reading(table, None, table.empty().lazy())
            raise
        return Reading(table, opened.version(), self._rows(opened, table, start, end, list(table.columns)))

    def _rows(
        self, opened: DeltaTable, table: Table, start: date | None, end: date | None, columns: Sequence[str]
    ) -> pl.LazyFrame:
        rows = scan_files(opened, files_of(opened, start, end)["path"], table.columns, self.storage_options)
        return of_sessions(rows, start, end).select(columns)

    def replace(  # noqa: PLR0913 (what is replaced, by what, and on whose behalf)
        self,
        table: Table,
        sessions: Sequence[date],
        pieces: Iterable[pl.DataFrame],
        *,
        run_id: str,
        read: Sequence[Reading] = (),
        tickers: Sequence[str] | None = None,
    ) -> WriteResult:
        """Replace the rows of exactly `sessions` in the table with those of `pieces`, in one commit.

        With `tickers`, only their rows are replaced; writers of other tickers do not conflict then.

        `pieces` is read once, frame by frame, after the table was opened; a session's rows come in one piece, and
        pieces ordered by session are stored best. An error inside `pieces` leaves the table as it was. A table
        that does not exist is created. The commit stores `run_id`, the first and last session, the versions that were
        `read` to compute the rows, and the fingerprints of the code that computed them.

        A column new to the contract joins the table. Raises ContractBroken when rows break the contract, belong to
        other sessions, are missing for a session of a table that may not be empty, or when the table's columns have
        other types. Raises WriteConflict when another writer changed these rows meanwhile; that is not retried here,
        since the rows may come from data that the other writer has just replaced. Raises what `may_write` raises, which
        is called last: a run that replaced this one has made it refuse by then, or commits later, which is a conflict.
        """
        if not sessions:
            raise ContractBroken(f"There is no session to replace in {table.sql_name}.", remedy=FAULT)
        incoming = Incoming(table, sessions, pieces, tickers)
        metadata = commit_metadata(run_id, read, self._computed_by(table), sessions, tickers)
        overwrite = Overwrite(table, sessions, metadata, tickers)
        opened, before = self._ready(table)
        self.keep_log(opened, run_id)
        commit(self.store, opened, overwrite, partial(self._may_write, run_id), incoming.batches())
        return self._finish_write(opened, before, sum(incoming.rows.values()), incoming.rows)

    def refresh(self, table: Table, rows: pl.DataFrame, *, run_id: str, read: Sequence[Reading] = ()) -> WriteResult:
        """Replace all rows of a table refreshed whole with `rows`, in one commit; create it if it does not exist.

        Raises as `replace` does; an error leaves the table as it was. Where the rows were computed from the table's own
        (which are then in `read`), a commit of another writer since then raises WriteConflict, too.
        """
        stored = table.enforce(rows).sort(table.key).rechunk()
        if stored.is_empty() and not table.may_be_empty:
            raise ContractBroken(
                f"{table.sql_name} may not be empty, but not one row came. Its rows stay.",
                remedy="Check the rows of the tables before it; run those first.",
            )
        opened, before = self._ready(table)
        self.keep_log(opened, run_id)
        # A table that had never been written is created at version 0.
        if any(reading.table is table and changed_since(opened, reading.version or 0) for reading in read):
            raise conflict(table, opened, max(reading.version or 0 for reading in read if reading.table is table))
        overwrite = Overwrite(table, (), commit_metadata(run_id, read, self._computed_by(table)))
        batches = iter(RecordBatchReader.from_stream(stored))
        commit(self.store, opened, overwrite, partial(self._may_write, run_id), batches)
        return self._finish_write(opened, before, len(stored), {})

    def keep_log(self, opened: DeltaTable, run_id: str) -> None:
        """Make a table keep its log, with a commit if it is from before that property existed."""
        if not is_log_kept(opened):
            self._may_write(run_id)
            keep_log(self.store, opened, run_id)
            self.follow_up(opened, [])

    def _ready(self, table: Table) -> tuple[DeltaTable, set[str]]:
        """Return the table, created if missing, and its data files before the write."""
        self.store.require_safe_commits()
        opened = self._open_or_create(table)
        self.fingerprints(table.path).require_newest(opened.version())
        require_same_types(opened, table)
        return opened, set(sizes_of(opened))

    def require_newest(self, writings: Mapping[Table, WriteResult]) -> None:
        """Raise WriteConflict when another run wrote some of the same sessions of a table after these `writings`.

        Two runs over several tables could each be the last in another table; one of them finds out here.
        """
        for table, result in writings.items():
            opened, sessions = self.open(table), list(result.rows_per_session)
            if opened.version() != result.version:
                of_rows = commits_of(opened).filter(pl.col("first_session").is_not_null())
                if len(others_since(of_rows, result.version, sessions)):
                    raise conflict(table, opened, result.version, sessions)

    def _finish_write(
        self, opened: DeltaTable, before: Container[str], rows: int, rows_per_session: dict[date, int]
    ) -> WriteResult:
        added = {path: size for path, size in sizes_of(opened).items() if path not in before}
        self.follow_up(opened, added)
        self.opened.keep(name_of(opened), opened)
        return WriteResult(
            version=opened.version(),
            rows=rows,
            rows_per_session=rows_per_session,
            rows_in_table=int(files_of(opened)["num_records"].sum()),
            files_added=len(added),
            bytes_added=sum(added.values()),
        )

    def follow_up(self, opened: DeltaTable, data_files: Iterable[str], commits: int = 1) -> None:
        """Make a checkpoint if one is due, flush what the last `commits` wrote to the disk, and record its hashes.

        If a full disk prevents some of it, that is a warning: as a failure it would cause the same commit again.
        """
        versions = range(opened.version() - commits + 1, opened.version() + 1)
        sum_up_or_warn(self.store, opened, versions)
        flush_commits(opened, versions, data_files, below=Path(self.root))
        record_or_warn(self.fingerprints(name_of(opened)), versions)
        keep_table_private(folder_of(opened))

    def _open_or_create(self, table: Table) -> DeltaTable:
        if (opened := self.opened.fresh(table.path)) is not None:
            return opened
        self.objects.make_folder(table.market)
        self.store.clear_first_commit(table.path)
        try:
            with self.store.answering():
                created = DeltaTable.create(
                    self.uri(table),
                    schema=delta_schema(table),
                    partition_by=[table.layout.column] if table.session else None,
                    name=table.sql_name,
                    description=table.description,
                    configuration=delta_properties(table),
                    storage_options=self.storage_options or None,
                )
        except DeltaError:
            # Another first writer was faster.
            return self.open_to_write(f"{table.market}/{table.name}")
        self.follow_up(created, [])
        return created
