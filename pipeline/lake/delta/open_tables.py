"""Delta tables opened by name: anew for those who write, kept open for those who read.

To open a table is to read its log from the last checkpoint on. A run looks at its tables a hundred times, and writes
to each of them once.
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
        self._kept: dict[str, tuple[DeltaTable, Hashable]] = {}

    def anew(self, name: str) -> DeltaTable | None:
        """Return the newest version for the caller alone, who may change it; None when there is no such table.

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
        except (DeltaError, ValueError) as unreadable:  # the second, of an entry that does not fit the table
            if name in self._store.remains() and not self._store.holds_data(name):
                return None  # a first commit that broke off before there was a version
            raise TableDamaged(
                f"The log of {sql_name} in {uri} cannot be read: {str(unreadable).splitlines()[0]}",
                remedy="Run `candlelake verify --repair`, or move the folder away and backfill the table.",
            ) from unreadable

    def newest(self, name: str) -> DeltaTable | None:
        """Return the newest version, to be read only; None and errors as of `anew`."""
        kept = self._still_newest(name)
        if kept is not None:
            return kept
        opened = self.anew(name)
        if opened is not None:
            self.keep(name, opened)
        return opened

    def keep(self, name: str, opened: DeltaTable) -> None:
        """Keep a table that nobody is going to change any more for those who look next."""
        mark = self._mark(name, opened.version())
        if mark is not None:
            self._kept[name] = opened, mark

    def _still_newest(self, name: str) -> DeltaTable | None:
        """Return the table that is kept if its last entry is the same file, and none follows: versions leave no gap."""
        opened, mark = self._kept.get(name, (None, None))
        return opened if opened is not None and self._mark(name, opened.version()) == mark else None

    def _mark(self, name: str, version: int) -> Hashable | None:
        """Return what the entry of a version is known by; None when it is not there, or not the last."""
        entry, following = (f"{name}/{entry_name(number)}" for number in (version, version + 1))
        return self._objects.mark_of_last(entry, following)
