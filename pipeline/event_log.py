"""Dagster's SQLite event log, written in batches: what makes a range of a thousand sessions bearable.

A range run stores two events for each asset and session. Dagster 1.13 gives each its own database engine, connections
and commits: 14 ms an event, three minutes for five years of sessions. It can hand events over in batches, but its
SQLite storage then stores them one by one all the same. There is no public way to change that, so this one module of
the project uses private classes of Dagster's; a test compares what both store, event by event.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from dagster import DagsterEventType, EventLogEntry, Field, StringSource
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from dagster_shared.record import replace
from filelock import FileLock

from pipeline.settings import load_settings

BATCH = 1_000
"""Events handed over at a time."""

BATCHED_TYPES = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_MATERIALIZATION_PLANNED}
"""What Dagster hands over in batches by the thousand. Events of other types are stored as Dagster does."""

# Read by Dagster in every process that opens the instance: command line, web server, daemon, run.
os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(BATCH))


class HomeStorage(DagsterSqliteStorage):
    """Runs, events and schedules in SQLite, in `base_dir`, or else in the home that the settings name."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Dagster makes its tables when they are missing; of two that open a new home at once, one would fail.
        Path(base_dir).mkdir(parents=True, exist_ok=True)
        with FileLock(Path(base_dir, ".opening")):
            super().__init__(base_dir, inst_data)
        self._event_log_storage = BatchedSqliteEventLog(str(Path(base_dir, "history", "runs", "")))

    @classmethod
    def config_type(cls) -> dict[str, Field]:
        """Return what `dagster.yaml` may say of this storage."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        """Return the storage that `dagster.yaml` asks for."""
        base_dir = config_value.get("base_dir") or str(load_settings().home / "dagster")
        return cls.from_local(base_dir, inst_data=inst_data)


class BatchedSqliteEventLog(SqliteEventLogStorage):
    """The same files and tables as Dagster's own SQLite event log, several events a transaction."""

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

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        # The project's checks have no partitions. Dagster plans them all the same once for each partition of a run,
        # and leaves those plans open for ever, since the result comes without a partition.
        planned = event.get_dagster_event()
        of_no_partition = replace(planned.asset_check_planned_data, partitions_subset=None)
        plan = planned._replace(event_specific_data=of_no_partition)
        super()._store_asset_check_evaluation_planned(event._replace(dagster_event=plan), event_id)

    def _store_together(self, events: Sequence[EventLogEntry]) -> None:
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        insert = SqlEventLogStorageTable.insert().returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
        with self.index_transaction() as connection:
            ids = list(connection.execute(insert, rows).scalars())
            self._store_asset_event_tags(connection, events, ids)
            # The table of assets keeps what came last of each, so that the last one stands for all before it.
            last = {(row["asset_key"], row["dagster_event_type"]): at for at, row in enumerate(rows)}
            for at in last.values():
                self._store_asset_event(connection, events[at], ids[at])


def _is_batched(event: EventLogEntry) -> bool:
    return event.is_dagster_event and event.dagster_event_type in BATCHED_TYPES
