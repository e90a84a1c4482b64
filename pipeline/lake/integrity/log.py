"""Checks a table's log against the records of its commits: which entries and checkpoints are damaged.

A missing start of the log is not damage, as long as an undamaged checkpoint replaces it: any Delta program may remove
entries that are older than the table's property says, 30 days by default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from pipeline.contracts.foreign_json import from_json
from pipeline.lake.delta.checkpoints import files_in_checkpoint
from pipeline.lake.delta.fingerprints import Fingerprints, Record, RecordDamaged
from pipeline.lake.delta.log_entries import (
    LAST_CHECKPOINT,
    DataFile,
    actions_of,
    checkpoint_version,
    entry_name,
    entry_version,
    replayed,
)
from pipeline.lake.integrity.damage import Damage, Kind, TableState
from pipeline.lake.storage.folder_objects import Digest
from pipeline.lake.storage.lake_objects import Objects

Decode = Callable[[bytes, DataFile], str | None]
"""Reads all bytes of a file without a known hash, and returns what is wrong with it; None when nothing is."""


class LogVerification:
    """One check of the log of a table whose files are `file_names`; its findings go into `state`.

    `decode` judges checkpoints without a recorded hash.
    """

    def __init__(self, objects: Objects, state: TableState, file_names: set[str], decode: Decode) -> None:
        self._objects = objects
        self._decode = decode
        self._state = state
        self._file_names = file_names
        self._fingerprints = Fingerprints(objects, state.name)
        self._on_disk = {version for name in file_names if (version := entry_version(name)) is not None}
        self.records: dict[int, Record] = {}
        self.entries: dict[int, list[dict[str, Any]]] = {}
        """The actions of every known version, from its entry or from the copy in its record."""
        self._read_records()
        self._read_entries()

    def _read_records(self) -> None:
        for version in self._fingerprints.versions():
            try:
                record = self._fingerprints.get(version)
            except RecordDamaged as damaged:
                self._damage(Kind.RECORD, self._fingerprints.name(version), str(damaged), version)
            else:
                self.records |= {version: record} if record else {}

    def _read_entries(self) -> None:
        state = self._state
        state.newest = max([*self._on_disk, *self.records], default=-1)
        if max(self._checkpoint_names, default=-1) > state.newest:  # whose entry is lost
            state.newest = max([state.newest, *self._whole_checkpoints])
        if state.newest < 0:
            self._damage(Kind.LOST_ENTRY, entry_name(0), "is missing, and so is every other", 0)
        given_up = self._fingerprints.given_up()
        for version in range(state.newest + 1):
            if self._is_expired(version):
                state.expired += 1
                actions = actions_of(self.records[version].entry) if version in self.records else None
            else:
                actions = None if version in given_up else self._entry(version)
            if actions is not None:
                self.entries[version] = actions
        state.files = replayed(self.entries, self._base(given_up))

    def _base(self, given_up: set[int]) -> tuple[int, list[DataFile]] | None:
        """Return the version and files of the checkpoint that replaces entries that are no longer known."""
        state = self._state
        unknown = [version for version in range(state.newest + 1) if version not in self.entries]
        later = [version for version in self._whole_checkpoints if version >= max(unknown)] if unknown else []
        if not later:
            for version in given_up & set(unknown):
                self._damage(Kind.LOST_ENTRY, entry_name(version), "is missing", version)
        if not unknown or not later:
            return None
        state.gap = range(unknown[0], min(later))
        state.damages = [
            Damage(Kind.OLD_ENTRY, damage.table, damage.file, damage.found, versions=damage.versions)
            if damage.kind == Kind.LOST_ENTRY
            else damage
            for damage in state.damages
        ]
        return min(later), self._whole_checkpoints[min(later)]

    def _is_expired(self, version: int) -> bool:
        """Return whether a Delta program has removed the entry of a version together with the start of the log."""
        if 0 in self._on_disk or version in self._on_disk or not self._whole_checkpoints:
            return False
        oldest, newest = min(self._whole_checkpoints), max(self._whole_checkpoints)
        return version <= oldest or (version <= newest and version < min(self._on_disk, default=0))

    @cached_property
    def _checkpoint_names(self) -> dict[int, list[str]]:
        """The files of each checkpoint, by its version."""
        names_by_version: dict[int, list[str]] = {}
        for name in sorted(self._file_names):
            if (version := checkpoint_version(name)) is not None:
                names_by_version.setdefault(version, []).append(name)
        return names_by_version

    @cached_property
    def _whole_checkpoints(self) -> dict[int, list[DataFile]]:
        """The files of each version with an undamaged checkpoint, or a readable one if it has no recorded hash.

        Read only where entries are missing.
        """
        files_by_version = {
            version: self._files_in(version, names) for version, names in self._checkpoint_names.items()
        }
        return {version: files for version, files in files_by_version.items() if files is not None}

    def _files_in(self, version: int, names: list[str]) -> list[DataFile] | None:
        recorded = self.records[version].checkpoints if version in self.records else {}
        parts = {name: self._objects.read(f"{self._state.name}/{name}") or b"" for name in names}
        if any(recorded.get(name) not in {None, Digest.of(part)} for name, part in parts.items()):
            return None
        unknown = {name: part for name, part in parts.items() if name not in recorded}
        if any(
            self._decode(part, DataFile(name, len(part), None, None, None, version)) for name, part in unknown.items()
        ):
            return None
        return files_in_checkpoint(list(parts.values()), version)

    def _entry(self, version: int) -> list[dict[str, Any]] | None:
        """Return the actions of a version: from its entry, or when that is damaged, from the copy in its record."""
        name, record = entry_name(version), self.records.get(version)
        entry = self._objects.read(f"{self._state.name}/{name}")
        if record is not None:
            if entry != record.entry:
                self._damage(Kind.ENTRY, name, _how(entry, record.entry_digest), version)
            return actions_of(record.entry)
        after = self.records.get(version + 1)
        if entry is not None and after is not None and after.before not in {None, Digest.of(entry).sha256}:
            self._damage(Kind.LOST_ENTRY, name, "holds other bytes than were written", version)
            return None
        try:
            actions = actions_of(entry or b"")
        except ValueError:
            fault = "is missing" if entry is None else _how(entry, None)
            self._damage(Kind.LOST_ENTRY, name, fault, version)
            return None
        self._state.unrecorded.append(version)
        return actions

    def check_checkpoints(self) -> None:
        """Compare the checkpoints, and the hint to the newest, with their records."""
        expected = {name: digest for version in sorted(self.records) for name, digest in self._checkpoints(version)}
        for name, digest in expected.items():
            found = self._objects.digest(f"{self._state.name}/{name}")
            if found != digest and (name != LAST_CHECKPOINT or not self._has_newer_checkpoint(set(expected))):
                self._damage(Kind.CHECKPOINT, name, differs(found, digest))
        # Checkpoints of another program, or of a run that was killed before it could record them.
        for version, names in self._checkpoint_names.items():
            if not expected.keys() & set(names) and self._files_in(version, names) is None:
                for name in names:
                    self._damage(Kind.CHECKPOINT, name, "cannot be read")
        self._state.checked += len(expected)
        if LAST_CHECKPOINT not in expected and (fault := self._fault_of_hint()):
            self._damage(Kind.CHECKPOINT, LAST_CHECKPOINT, fault)

    def _checkpoints(self, version: int) -> Iterable[tuple[str, Digest]]:
        """Return the recorded digests of the checkpoint of a version, unless it went with the start of the log."""
        for name, digest in self.records[version].checkpoints.items():
            if name == LAST_CHECKPOINT or name in self._file_names or not self._is_expired(version):
                yield name, digest

    def _has_newer_checkpoint(self, expected: set[str]) -> bool:
        """Return whether another program has made a checkpoint since, to which the hint points now."""
        versions = [checkpoint_version(name) or 0 for name in expected]
        return any((checkpoint_version(name) or 0) > max(versions, default=0) for name in self._file_names)

    def _fault_of_hint(self) -> str | None:
        data = self._objects.read(f"{self._state.name}/{LAST_CHECKPOINT}")
        if data is None:
            return None
        try:
            version = int(from_json(data)["version"])
        except (ValueError, KeyError, TypeError, OverflowError):
            return "is empty" if not data.strip(b"\0\n ") else "cannot be read"
        if any(checkpoint_version(name) == version for name in self._file_names):
            return None
        return f"names a checkpoint of version {version}, which is missing"

    def _damage(self, kind: Kind, name: str, found: str, *versions: int) -> None:
        place = f"{self._state.name}/{name}"
        self._state.damages.append(Damage(kind, self._state.sql_name, place, found, versions=versions))


def _how(entry: bytes | None, written: Digest | None) -> str:
    return differs(None if entry is None else Digest.of(entry), written)


def differs(found: Digest | None, written: Digest | None) -> str:
    """Return how the found bytes differ from those that were written, in words."""
    if found is None:
        return "is missing"
    if found.size == 0:
        return "is empty"
    if written is not None and found.size != written.size:
        return f"has {found.size:,} bytes instead of {written.size:,}"
    return "holds other bytes than were written" if written else "cannot be read"
