"""Repairs a table's files: restores log entries, renews checkpoints, removes damaged data files from the table.

Damaged files are never deleted: they are moved to `<lake>/.damaged/<moment>/`, under their own names.
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
from pipeline.lake.lake import Lake
from pipeline.lake.raw.receipts import RECEIPT_SUFFIX, written

DAMAGED = ".damaged"
"""Folder of the lake to which damaged files are moved."""


class Mending:
    """Repairs the files of a lake; `moment` names the folder for damaged ones."""

    def __init__(self, lake: Lake, moment: str, run_id: str) -> None:
        self._lake = lake
        self._objects = lake.objects
        self._aside = f"{DAMAGED}/{moment}"
        self._run_id = run_id

    def set_aside(self, names: Iterable[str]) -> None:
        """Move files to the folder for damaged ones; ignore missing ones."""
        for name in names:
            self._objects.move(name, f"{self._aside}/{name}")

    def put_back_entries(self, state: TableState) -> list[int]:
        """Restore each damaged log entry from the copy in its record; return their versions in order."""
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
        """Set aside log entries without a copy that no readable version needs; return their versions."""
        records = self._lake.fingerprints(state.name)
        given_up = []
        for damage in _of(state, Kind.OLD_ENTRY):
            (version,) = damage.versions
            records.give_up(version, damage.found)
            self.set_aside([damage.file])
            if version == state.newest:  # without it, Delta could write no further version
                self._objects.put(damage.file, _in_place_of_lost(self._run_id))
            given_up.append(version)
        return sorted(given_up)

    def renew_checkpoint(self, state: TableState) -> None:
        """Set damaged checkpoints aside, and make one of the newest version, whose entries all exist."""
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
        """Remove the damaged and missing data files of the newest version from the table; return the new version.

        The commit notes the sessions of `spans` as owed until a later commit writes them. Raises TableDamaged when
        Delta misses other files than the check found.
        """
        damaged = {damage.file.removeprefix(f"{state.name}/") for damage in _of(state, Kind.DATA)}
        self.set_aside(f"{state.name}/{name}" for name in sorted(damaged))
        opened = self._lake.open_to_write(state.name)
        missed = {unquote(path) for path in opened.repair(dry_run=True)["files_removed"]}
        if missed != damaged:
            raise TableDamaged(
                f"{state.sql_name} changed during the repair: {len(missed ^ damaged)} files differ from the damaged "
                "ones that the check found. Nothing was removed.",
                remedy="Run `candlelake verify --repair` again while no run writes to the table.",
            )
        owed = json.dumps([[str(first), str(last)] for first, last in spans])
        opened.repair(
            commit_properties=CommitProperties({"run_id": self._run_id, TAKEN_OUT: owed}),
            post_commithook_properties=NOTHING_AFTER,
        )
        self._lake.follow_up(opened, [])
        return opened.version()

    def set_table_aside(self, name: str) -> None:
        """Move all files of a table away, its log last: then the table no longer exists."""
        names = list(self._objects.names(f"{name}/"))
        self.set_aside(sorted(names, key=lambda name: "/_delta_log/" in name))

    def rebuild_receipts(self, raw: RawState) -> list[str]:
        """Write receipts again from the audit trail; return their names."""
        for name, receipt in raw.rebuilt.items():
            self.set_aside([name])
            self._objects.put(name, written(receipt))
        return sorted(raw.rebuilt)

    def set_raw_aside(self, file: str) -> None:
        """Move a damaged vendor file away with its receipt, so that it is fetched again."""
        name = file.removesuffix(RECEIPT_SUFFIX)
        self.set_aside([f"{name}{RECEIPT_SUFFIX}", name])

    def record(self, state: TableState, versions: Iterable[int]) -> list[int]:
        """Record those of `versions` whose files are all undamaged, from these files; return them.

        A damaged record whose log entry is missing too is set aside: there is nothing to record.
        """
        records: Fingerprints = self._lake.fingerprints(state.name)
        damaged = {damage.file.removeprefix(f"{state.name}/") for damage in state.damages}
        incomplete = {file.added_in for file in state.files.values() if file.name in damaged}
        recorded = []
        for version in sorted(set(versions) - incomplete):
            self.set_aside([f"{state.name}/{records.name(version)}"])
            if self._objects.size(f"{state.name}/{entry_name(version)}") is not None:
                records.record_anew(version)
                recorded.append(version)
        return recorded


def _in_place_of_lost(run_id: str) -> bytes:
    """Return a log entry that changes nothing."""
    now = int(datetime.now(UTC).timestamp() * 1000)
    info = {"timestamp": now, "operation": LOST_ENTRY, "run_id": run_id}
    return json.dumps({"commitInfo": info}).encode() + b"\n"


def _of(state: TableState, kind: Kind) -> list[Damage]:
    return [damage for damage in state.damages if damage.kind == kind]
