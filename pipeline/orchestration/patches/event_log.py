"""Dagster's SQLite storage with open files, and an event log that is written in batches.

A range run stores two events per asset and session. Dagster 1.13 gives each event its own database engine, connections
and commits: 14 ms per event, three minutes for five years of sessions. It can pass events on in batches, but its SQLite
storage still stores them one by one. There is no public way to change that, so this one module of the project uses
private classes of Dagster; a test compares what both store, event by event.

Without it: 28,000 events take 17 minutes instead of 4 seconds.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from dagster import DagsterEventType, DagsterInstance, EventLogEntry, Field, StringSource
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from dagster_shared.record import replace
from filelock import FileLock
from sqlalchemy import text
from sqlalchemy.engine import Connection

from pipeline.lake.storage.privacy import make_private_folder
from pipeline.orchestration.instance_file import place_in_force, seen_from
from pipeline.orchestration.patches.sqlite_files import OpenFiles, revision_of, stamp
from pipeline.settings import load_settings

BATCH = 1_000
"""Events passed on at a time."""

BATCHED_TYPES = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_MATERIALIZATION_PLANNED}
"""Types that Dagster passes on in batches of a thousand. Other events are stored as Dagster does."""

RUNS, SCHEDULES, INDEX = "history/runs.db", "schedules/schedules.db", f"history/runs/{INDEX_SHARD_NAME}.db"
"""The files of an instance, beside one for each run."""

MAKING = ".making-"
"""Prefix of the folder in which new files are made."""

# Read by Dagster in every process that opens the instance: command line, web server, daemon, run.
os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(BATCH))


class Records:
    """The folder of an instance's runs, events and schedules, with open files.

    Its place may depend on the instance: beside the `dagster.yaml` that names it.
    """

    def __init__(self, base_dir: str) -> None:
        self.files = OpenFiles()
        self._base_dir = base_dir
        self._folder: Path | None = None

    def of(self, instance: DagsterInstance) -> Path:
        """Return the folder, with every file in it. Raises SettingsError when its place is unknown."""
        if self._folder is None:
            self._folder = seen_from(Path(instance.root_directory), self._base_dir)
            _make_ready(self._folder, self.files)
        return self._folder


class HomeStorage(DagsterSqliteStorage):
    """Runs, events and schedules in SQLite, in `base_dir`, or else in the home that the settings name.

    A relative `base_dir` starts from the folder of the instance.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # The same as Dagster's own, without its migration tool's check of each file at every start.
        self.base_dir = base_dir
        self._inst_data = inst_data
        records = Records(base_dir)
        self._run_storage = RunsKeptOpen(records)
        self._schedule_storage = SchedulesKeptOpen(records)
        self._event_log_storage = BatchedSqliteEventLog(records)

    @classmethod
    def config_type(cls) -> dict[str, Field]:
        """Return the settings of this storage in `dagster.yaml`."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        """Return the storage that `dagster.yaml` configures."""
        configured = config_value.get("base_dir")
        base_dir = place_in_force(configured) if configured else str(load_settings().home / "dagster")
        return cls.from_local(base_dir, inst_data=inst_data)


def _make_ready(folder: Path, files: OpenFiles) -> None:
    make_private_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    if _unmade(files, folder):
        # Of two processes that open a new home at once, one would fail.
        with FileLock(folder / ".opening"):
            unmade = _unmade(files, folder)
            files.dispose()  # a file that is closed later would delete the companion files of its successor
            _make(unmade, folder)


def _unmade(files: OpenFiles, folder: Path) -> list[str]:
    """Return the files that are missing or unfinished: stamping a file is the last step."""
    return [name for name in (RUNS, SCHEDULES, INDEX) if not _is_made(files, folder / name)]


def _is_made(files: OpenFiles, path: Path) -> bool:
    if not path.exists():
        return False
    with files.begin(path) as connection:
        return revision_of(connection) is not None


def _make(names: Sequence[str], folder: Path) -> None:
    """Let Dagster make these files in a folder aside, and move each to its place when it is complete.

    Dagster makes them in many steps, and never finishes a file whose process was killed.
    """
    for left_by_a_kill in folder.glob(f"{MAKING}*"):
        shutil.rmtree(left_by_a_kill)
    if not names:
        return
    with TemporaryDirectory(prefix=MAKING, dir=folder) as aside:
        DagsterSqliteStorage.from_local(aside).dispose()
        for name in names:
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            for companion in ("-wal", "-shm", "-journal"):
                Path(f"{place}{companion}").unlink(missing_ok=True)
            Path(aside, name).replace(place)


class _KeptOpen:
    """The interface of a Dagster storage in a single SQLite file, with the file kept open.

    It starts when an instance registers: before that, the place of the file is unknown.
    """

    FILE: str

    def __init__(self, records: Records) -> None:
        self._records = records

    def register_instance(self, instance: DagsterInstance) -> None:
        """Register the instance, which decides the place of the file."""
        self._path = self._records.of(instance) / self.FILE
        super().__init__(f"sqlite:///{self._path.as_posix()}")  # type: ignore[call-arg]
        super().register_instance(instance)  # type: ignore[misc]

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Give a connection in a transaction of its own."""
        with self._records.files.begin(self._path) as connection:
            yield connection

    def dispose(self) -> None:
        """Close the file."""
        self._records.files.dispose()


class RunsKeptOpen(_KeptOpen, SqliteRunStorage):
    """Dagster's runs in SQLite."""

    FILE = RUNS


class SchedulesKeptOpen(_KeptOpen, SqliteScheduleStorage):
    """Dagster's schedules and sensors in SQLite."""

    FILE = SCHEDULES


class BatchedSqliteEventLog(SqliteEventLogStorage):
    """The same files and tables as Dagster's own SQLite event log, kept open, with several events per transaction."""

    def __init__(self, records: Records) -> None:
        self._files = OpenFiles()
        self._records = records

    def register_instance(self, instance: DagsterInstance) -> None:
        """Register the instance, which decides the place of the files."""
        super().__init__(str(self._records.of(instance) / "history" / "runs"))
        super().register_instance(instance)

    def dispose(self) -> None:
        """Close every file."""
        self._files.dispose()
        super().dispose()

    def wipe(self) -> None:
        """Remove every file."""
        self._files.dispose()
        super().wipe()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        path = Path(self.path_for_shard(shard))
        with self._db_lock:
            if shard not in self._initialized_dbs or not path.exists():
                self._make(path)
                self._initialized_dbs.add(shard)
            with self._files.begin(path) as connection:
                yield connection

    def _make(self, path: Path) -> None:
        """Make the tables of a run's file unless they exist, at the revision of the shared index file."""
        # Another process may read a run that is just starting.
        with FileLock(Path(self._base_dir, ".opening")):
            with self._files.begin(Path(self.path_for_shard(INDEX_SHARD_NAME))) as connection:
                revision = revision_of(connection)
            with self._files.begin(path) as connection:
                if revision is None or revision_of(connection):
                    return
                connection.execute(text("PRAGMA journal_mode = WAL"))
                SqlEventLogStorageMetadata.create_all(connection)
                stamp(connection, revision)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store `events` in order; materializations of one run in one transaction for each of the two files."""
        run: list[EventLogEntry] = []
        for event in events:
            if run and not (_is_batched(event) and event.run_id == run[0].run_id):
                self._store_together(run)
                run = []
            if _is_batched(event):
                run.append(event)
            else:
                self.store_event(event)
        if run:
            self._store_together(run)

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event as Dagster does, except the plan of a check."""
        super().store_event(_of_no_partition(event) if _is_planned_check(event) else event)

    def _store_together(self, events: Sequence[EventLogEntry]) -> None:
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        insert = SqlEventLogStorageTable.insert().returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
        with self.index_transaction() as connection:
            ids = list(connection.execute(insert, rows).scalars())
            self._store_asset_event_tags(connection, events, ids)
            # The table of assets keeps only the last event of each asset, so storing the last one is enough.
            last = {(row["asset_key"], row["dagster_event_type"]): at for at, row in enumerate(rows)}
            for at in last.values():
                self._store_asset_event(connection, events[at], ids[at])


def _is_batched(event: EventLogEntry) -> bool:
    return event.is_dagster_event and event.dagster_event_type in BATCHED_TYPES


def _is_planned_check(event: EventLogEntry) -> bool:
    return event.is_dagster_event and event.dagster_event_type == DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED


def _of_no_partition(event: EventLogEntry) -> EventLogEntry:
    """Return the plan of a check without partitions, since the project's checks have none.

    Dagster still plans them once per partition of a run, leaves those plans open forever, since the result comes
    without a partition, and stores every holiday to 2040 with each plan.
    """
    planned = event.get_dagster_event()
    of_no_partition = replace(planned.asset_check_planned_data, partitions_subset=None)
    return event._replace(dagster_event=planned._replace(event_specific_data=of_no_partition))
