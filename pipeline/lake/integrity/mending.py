"""Mending a table's files: log entries put back, checkpoints made anew, damaged data files taken out of the table.

What is damaged is never thrown away: it is moved to `<lake>/.damaged/<moment>/`, under its own name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from urllib.parse import unquote

from deltalake import CommitProperties

from pipeline.errors import TableDamaged
from pipeline.lake.delta.commits import LOST_ENTRY, TAKEN_OUT
from pipeline.lake.delta.fingerprints import Fingerprints
from pipeline.lake.delta.log_entries import LAST_CHECKPOINT, checkpoint_version, entry_name
from pipeline.lake.delta.overwrite import NOTHING_AFTER
from pipeline.lake.integrity.damage import Damage, Kind, TableState
from pipeline.lake.integrity.raw import RawState
from pipeline.lake.raw.receipts import RECEIPT_SUFFIX, written
from pipeline.lake.tables import Lake

DAMAGED = ".damaged"
"""Folder of the lake to which damaged files are moved."""


class Mending:
    """What mends the files of a lake; `moment` names the folder that damaged ones go to."""

    def __init__(self, lake: Lake, moment: str, run_id: str) -> None:
        self._lake = lake
        self._objects = lake.objects
        self._aside = f"{DAMAGED}/{moment}"
        self._run_id = run_id

    def set_aside(self, names: Iterable[str]) -> None:
        """Move files out of the way; one that is missing stays so."""
        for name in names:
            self._objects.move(name, f"{self._aside}/{name}")

    def put_back_entries(self, state: TableState) -> list[int]:
        """Put each damaged log entry back from the copy in its record, and return their versions, in order."""
        records = self._lake.fingerprints(state.name)
        put_back = []
        for damage in _of(state, Kind.ENTRY):
            (version,) = damage.versions
            record = records.get(version)
            if record is not None:
                self.set_aside([damage.file])
                self._objects.put(damage.file, record.entry)
                put_back.append(version)
        return sorted(put_back)

    def give_up_entries(self, state: TableState) -> list[int]:
        """Set log entries aside that have no copy and that no readable version needs; return their versions."""
        records = self._lake.fingerprints(state.name)
        given_up = []
        for damage in _of(state, Kind.OLD_ENTRY):
            (version,) = damage.versions
            records.give_up(version, damage.found)
            self.set_aside([damage.file])
            if version == state.newest:  # after which Delta could write no version
                self._objects.put(damage.file, _in_place_of_lost(self._run_id))
            given_up.append(version)
        return sorted(given_up)

    def renew_checkpoint(self, state: TableState) -> None:
        """Take damaged checkpoints away, and make one of the newest version: all entries are there to make it from."""
        damaged = [damage.file for damage in _of(state, Kind.CHECKPOINT)]
        records = self._lake.fingerprints(state.name)
        self.set_aside([*damaged, f"{state.name}/{LAST_CHECKPOINT}"])
        for file in damaged:
            version = checkpoint_version(file.removeprefix(f"{state.name}/"))
            if version is not None:
                records.record_checkpoint(version)
        opened = self._lake.open_to_write(state.name)
        opened.create_checkpoint()
        self._lake.follow_up(opened, [])
        records.record_checkpoint(opened.version())

    def take_out(self, state: TableState, spans: Sequence[tuple[date, date]]) -> int:
        """Take the damaged and missing data files of the newest version out of the table; return the new version.

        The sessions of `spans` are noted as owed until a later commit writes them. Raises TableDamaged when Delta
        misses other files than the check found.
        """
        damaged = {damage.file.removeprefix(f"{state.name}/") for damage in _of(state, Kind.DATA)}
        self.set_aside(f"{state.name}/{name}" for name in sorted(damaged))
        opened = self._lake.open_to_write(state.name)
        missed = {unquote(path) for path in opened.repair(dry_run=True)["files_removed"]}
        if missed != damaged:
            raise TableDamaged(
                f"{state.sql_name} changed while it was mended: {len(missed ^ damaged)} files differ from those that "
                "were found damaged. Nothing was taken out.",
                remedy="Run `candlelake verify --repair` again, when no run writes to it.",
            )
        said = json.dumps([[str(first), str(last)] for first, last in spans])
        opened.repair(
            commit_properties=CommitProperties({"run_id": self._run_id, TAKEN_OUT: said}),
            post_commithook_properties=NOTHING_AFTER,
        )
        self._lake.follow_up(opened, [])
        return opened.version()

    def set_table_aside(self, name: str) -> None:
        """Move all files of a table away, its log last: then there is no such table any more."""
        names = list(self._objects.names(f"{name}/"))
        self.set_aside(sorted(names, key=lambda one: "/_delta_log/" in one))

    def rebuild_receipts(self, raw: RawState) -> list[str]:
        """Write the receipts anew that the audit trail knows, and return their names."""
        for name, receipt in raw.rebuilt.items():
            self.set_aside([name])
            self._objects.put(name, written(receipt))
        return sorted(raw.rebuilt)

    def set_raw_aside(self, file: str) -> None:
        """Move a damaged file of the vendor away together with its receipt, so that it is fetched anew."""
        name = file.removesuffix(RECEIPT_SUFFIX)
        self.set_aside([f"{name}{RECEIPT_SUFFIX}", name])

    def record(self, state: TableState, versions: Iterable[int]) -> list[int]:
        """Record `versions` from what lies there, those whose files were all found whole; return them.

        A damaged record whose log entry is gone as well is set aside: there is nothing to record.
        """
        records: Fingerprints = self._lake.fingerprints(state.name)
        amiss = {damage.file.removeprefix(f"{state.name}/") for damage in state.damages}
        brought = {one.added_in for one in state.files.values() if one.name in amiss}
        done = []
        for version in sorted(set(versions) - brought):
            self.set_aside([f"{state.name}/{records.name(version)}"])
            if self._objects.size(f"{state.name}/{entry_name(version)}") is not None:
                records.record_anew(version)
                done.append(version)
        return done


def _in_place_of_lost(run_id: str) -> bytes:
    """Return a log entry that changes nothing."""
    now = int(datetime.now(UTC).timestamp() * 1000)
    said = {"timestamp": now, "operation": LOST_ENTRY, "run_id": run_id}
    return json.dumps({"commitInfo": said}).encode() + b"\n"


def _of(state: TableState, kind: Kind) -> list[Damage]:
    return [damage for damage in state.damages if damage.kind == kind]
