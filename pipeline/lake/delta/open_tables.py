"""Delta tables by name: opened fresh for writers, kept open for readers.

Opening a table reads its log from the last checkpoint on. A run reads its tables a hundred times, and writes to each of
them once.
"""

from __future__ import annotations

from collections.abc import Hashable

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from pipeline.errors import TableDamaged
from pipeline.lake.delta.log_entries import entry_name
from pipeline.lake.storage.lake_objects import Objects
from pipeline.lake.storage.store import Store


class OpenTables:
    """The tables of one lake, by the name `market/table`."""

    def __init__(self, store: Store, objects: Objects) -> None:
        self._store = store
        self._objects = objects
        self._open: dict[str, tuple[DeltaTable, Hashable]] = {}

    def fresh(self, name: str) -> DeltaTable | None:
        """Return the newest version for this caller only, who may change it; None when there is no such table.

        Raises TableDamaged when its log is lost.
        """
        sql_name, uri = name.replace("/", ".", 1), f"{self._store.root}/{name}"
        try:
            with self._store.answering():
                return DeltaTable(uri, storage_options=self._store.storage_options or None)
        except TableNotFoundError as missing:
            if self._store.holds_data(name):
                raise TableDamaged(
                    f"{sql_name} has data files but no readable log in {uri}.",
                    remedy="Run `candlelake verify --repair`, or move the folder away and backfill the table.",
                ) from missing
            return None
        except (DeltaError, ValueError) as unreadable:  # ValueError: an entry that does not fit the table
            if name in self._store.remains() and not self._store.holds_data(name):
                return None  # a first commit that broke off before there was a version
            raise TableDamaged(
                f"The log of {sql_name} in {uri} cannot be read: {str(unreadable).splitlines()[0]}",
                remedy="Run `candlelake verify --repair`, or move the folder away and backfill the table.",
            ) from unreadable

    def newest(self, name: str) -> DeltaTable | None:
        """Return the newest version, for reading only; None and errors as `fresh`."""
        opened_before = self._still_newest(name)
        if opened_before is not None:
            return opened_before
        opened = self.fresh(name)
        if opened is not None:
            self.keep(name, opened)
        return opened

    def keep(self, name: str, opened: DeltaTable) -> None:
        """Keep a table open for the next readers; from now on nobody may change it."""
        mark = self._mark(name, opened.version())
        if mark is not None:
            self._open[name] = opened, mark

    def _still_newest(self, name: str) -> DeltaTable | None:
        """Return the open table if its last entry is the same file, and none follows: versions have no gaps."""
        opened, mark = self._open.get(name, (None, None))
        return opened if opened is not None and self._mark(name, opened.version()) == mark else None

    def _mark(self, name: str, version: int) -> Hashable | None:
        """Return a mark that identifies the entry of a version; None when it does not exist, or is not the last."""
        entry, following = (f"{name}/{entry_name(number)}" for number in (version, version + 1))
        return self._objects.mark_of_last(entry, following)
