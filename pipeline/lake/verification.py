"""Holding a table against what its commits recorded: which of its files are damaged, and what that touches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from pipeline.contracts.foreign_json import from_json
from pipeline.lake.fingerprints import HASHES, THREADS, Fingerprints, Record, RecordDamaged
from pipeline.lake.folder_objects import Digest
from pipeline.lake.lake_objects import Objects
from pipeline.lake.log_entries import (
    LAST_CHECKPOINT,
    LOG,
    DataFile,
    actions_of,
    checkpoint_version,
    entry_name,
    entry_version,
    replayed,
)


class Kind(StrEnum):
    """What is damaged."""

    DATA = "data file"
    """Of the newest version: its rows are wrong or gone."""
    OLD_DATA = "data file of earlier versions"
    ENTRY = "log entry"
    """With a copy in its record."""
    LOST_ENTRY = "log entry without a copy"
    CHECKPOINT = "checkpoint"
    RECORD = "record of hashes"
    OWED = "sessions"
    """Taken out as damaged by a repair that did not come to its end."""
    ROWS = "rows of a session"
    """Fewer or more than the audit trail tells of, in files that are as they were written."""
    RAW = "raw file"
    RECEIPT = "receipt"
    OLD_RAW = "raw file that was replaced"


@dataclass(frozen=True)
class Damage:
    """One thing that is not as it was written."""

    kind: Kind
    table: str
    """In SQL; `raw` for the vendor's files."""
    file: str
    """Relative to the lake; empty when no file is at fault."""
    found: str
    """What is wrong, in words."""
    first: date | None = None
    """First session whose rows it touches; None when all of the table, or none."""
    last: date | None = None
    versions: tuple[int, ...] = ()
    """Versions of the table that read it, or whose entry it is."""


@dataclass
class TableState:
    """What was found of one table."""

    name: str
    """As `market/name`."""
    damages: list[Damage] = field(default_factory=list)
    files: dict[str, DataFile] = field(default_factory=dict)
    """Every data file that the log tells of, by name."""
    whole: set[str] = field(default_factory=set)
    """Those that are there and as they were written."""
    newest: int = -1
    unrecorded: list[int] = field(default_factory=list)
    """Versions without a record, whose files were read to the end instead."""
    unknown: list[str] = field(default_factory=list)
    """Data files that no version knows."""
    checked: int = 0
    """Files whose bytes were compared or read."""
    size: int = 0
    """Their bytes."""
    rows: int = 0
    """Of the newest version, as its log tells."""

    @property
    def sql_name(self) -> str:
        """Return the name used in SQL."""
        return self.name.replace("/", ".", 1)

    def live_at(self, version: int) -> list[DataFile]:
        """Return the files that a version reads."""
        gone = self.newest + 1
        return [one for one in self.files.values() if one.added_in <= version < (one.removed_in or gone)]


Decode = Callable[[bytes, DataFile], str | None]
"""Reads the bytes of a data file of no known hash to the end, and returns what is wrong with it; None for nothing."""

Told = Callable[[int], None]
"""Told of the files that are done."""


class TableVerification:
    """One check of the table called `market/name`. `decode` judges data files of which no hash was recorded."""

    def __init__(self, objects: Objects, name: str, decode: Decode) -> None:
        self._objects = objects
        self._decode = decode
        self._fingerprints = Fingerprints(objects, name)
        self._listed = {found.removeprefix(f"{name}/") for found in objects.names(f"{name}/")}
        self._records: dict[int, Record] = {}
        self.state = TableState(name)
        self._read_log()

    @property
    def steps(self) -> int:
        """Return how many files are to be read."""
        return len(self._present())

    def run(self, told: Told = lambda _: None) -> TableState:
        """Compare every file with its record, and return what was found."""
        self._check_checkpoints()
        self._check_files(told)
        self._check_owed()
        self.state.unknown = sorted(self._unknown())
        self.state.rows = sum(one.rows or 0 for one in self.state.live_at(self.state.newest))
        return self.state

    def _read_log(self) -> None:
        for version in self._fingerprints.versions():
            try:
                record = self._fingerprints.get(version)
            except RecordDamaged as damaged:
                self._damage(Kind.RECORD, self._fingerprints.name(version), str(damaged), version)
            else:
                self._records |= {version: record} if record else {}
        on_disk = [found for name in self._listed if (found := entry_version(name)) is not None]
        self.state.newest = max([*on_disk, *self._records], default=-1)
        self._entries: dict[int, list[dict[str, Any]]] = {}
        oldest = min([*on_disk, *self._records], default=0)
        for version in range(oldest if self._begins_with_a_checkpoint(oldest) else 0, self.state.newest + 1):
            if (actions := self._entry(version)) is not None:
                self._entries[version] = actions
        self.state.files = replayed(self._entries)

    def _begins_with_a_checkpoint(self, oldest: int) -> bool:
        """Return whether another program removed the entries before a checkpoint, as Delta does after 30 days."""
        return any(checkpoint_version(name) in {oldest, oldest - 1} for name in self._listed)

    def _entry(self, version: int) -> list[dict[str, Any]] | None:
        """Return the actions of a version: from its entry, or when that is damaged, from the copy in its record."""
        name, record = entry_name(version), self._records.get(version)
        entry = self._objects.read(f"{self.state.name}/{name}")
        if record is not None:
            if entry != record.entry:
                self._damage(Kind.ENTRY, name, _how(entry, record.entry_digest), version)
            return actions_of(record.entry)
        after = self._records.get(version + 1)
        if entry is not None and after is not None and after.before not in {None, Digest.of(entry).sha256}:
            self._damage(Kind.LOST_ENTRY, name, "holds other bytes than were written", version)
            return None
        try:
            actions = actions_of(entry or b"")
        except ValueError:
            found = "is missing" if entry is None else _how(entry, None)
            self._damage(Kind.LOST_ENTRY, name, found, version)
            return None
        self.state.unrecorded.append(version)
        return actions

    def _check_checkpoints(self) -> None:
        expected = {name: one for version in sorted(self._records) for name, one in self._checkpoints(version)}
        for name, digest in expected.items():
            found = self._objects.digest(f"{self.state.name}/{name}")
            if found != digest and (name != LAST_CHECKPOINT or not self._has_newer_checkpoint(set(expected))):
                self._damage(Kind.CHECKPOINT, name, _differs(found, digest))
        self.state.checked += len(expected)
        if LAST_CHECKPOINT not in expected and (fault := self._fault_of_hint()):
            self._damage(Kind.CHECKPOINT, LAST_CHECKPOINT, fault)

    def _checkpoints(self, version: int) -> Iterable[tuple[str, Digest]]:
        return self._records[version].checkpoints.items()

    def _has_newer_checkpoint(self, expected: set[str]) -> bool:
        """Return whether somebody else made a checkpoint since, to which the hint points now."""
        known = [checkpoint_version(name) or 0 for name in expected]
        return any((checkpoint_version(name) or 0) > max(known, default=0) for name in self._listed)

    def _fault_of_hint(self) -> str | None:
        data = self._objects.read(f"{self.state.name}/{LAST_CHECKPOINT}")
        if data is None:
            return None
        try:
            version = int(from_json(data)["version"])
        except (ValueError, KeyError, TypeError, OverflowError):
            return "is empty" if not data.strip(b"\0\n ") else "cannot be read"
        if any(checkpoint_version(name) == version for name in self._listed):
            return None
        return f"names a checkpoint of version {version}, which is missing"

    def _present(self) -> list[DataFile]:
        # Not by the listing: a run may have committed since.
        return [
            one for one in self.state.files.values() if self._objects.size(f"{self.state.name}/{one.name}") is not None
        ]

    def _check_files(self, told: Told) -> None:
        present = self._present()
        there = {one.name for one in present}
        for one in self.state.files.values():
            # A file that the newest version does not need may be missing: vacuum took it.
            if one.name not in there and one.removed_in is None:
                self._damage_of(one, "is missing")
        with ThreadPoolExecutor(THREADS, thread_name_prefix="verifying") as threads:
            for one, fault in zip(present, threads.map(self._fault, present), strict=True):
                if fault is None:
                    self.state.whole.add(one.name)
                else:
                    self._damage_of(one, fault)
                self.state.checked += 1
                self.state.size += self._objects.size(f"{self.state.name}/{one.name}") or 0
                told(1)

    def _fault(self, one: DataFile) -> str | None:
        record, name = self._records.get(one.added_in), f"{self.state.name}/{one.name}"
        recorded = record.files.get(one.name) if record else None
        if recorded is not None:
            found = self._objects.digest(name)
            return None if found == recorded else _differs(found, recorded)
        data = self._objects.read(name) or b""
        if len(data) != one.size:
            return f"has {len(data):,} bytes instead of {one.size:,}"
        return self._decode(data, one)

    def _damage_of(self, one: DataFile, found: str) -> None:
        until = self.state.newest + 1 if one.removed_in is None else one.removed_in
        kind = Kind.DATA if one.removed_in is None else Kind.OLD_DATA
        place, read_by = f"{self.state.name}/{one.name}", tuple(range(one.added_in, until))
        self.state.damages.append(Damage(kind, self.state.sql_name, place, found, one.first, one.last, read_by))

    def _check_owed(self) -> None:
        for first, last in owed(self._entries):
            found = "were taken out as damaged and have not been made again"
            self.state.damages.append(Damage(Kind.OWED, self.state.sql_name, "", found, first, last))

    def _unknown(self) -> Iterator[str]:
        for name in self._listed - set(self.state.files):
            if not name.startswith((f"{LOG}/", f"{HASHES}/")):
                yield name

    def _damage(self, kind: Kind, name: str, found: str, *versions: int) -> None:
        place = f"{self.state.name}/{name}"
        self.state.damages.append(Damage(kind, self.state.sql_name, place, found, versions=versions))


TAKEN_OUT = "taken_out"
"""What the commit that takes damaged files out of a table calls the sessions that are to be made again."""


def owed(entries: Mapping[int, list[dict[str, Any]]]) -> list[tuple[date, date]]:
    """Return the spans of sessions that a commit took out as damaged and no later one has written."""
    spans: list[tuple[date, date]] = []
    for version in sorted(entries):
        said: dict[str, Any] = next((action["commitInfo"] for action in entries[version] if "commitInfo" in action), {})
        if "first_session" in said and "last_session" in said:
            written = date.fromisoformat(said["first_session"]), date.fromisoformat(said["last_session"])
            spans = [left for span in spans for left in _without(span, written)]
        for first, last in from_json(said.get(TAKEN_OUT, "[]")):
            spans.append((date.fromisoformat(first), date.fromisoformat(last)))
    return spans


def _without(span: tuple[date, date], written: tuple[date, date]) -> Iterator[tuple[date, date]]:
    """Yield what of `span` lies before and after `written`."""
    day = timedelta(days=1)
    before, after = (span[0], min(span[1], written[0] - day)), (max(span[0], written[1] + day), span[1])
    if written[1] < span[0] or written[0] > span[1]:
        yield span
        return
    yield from (left for left in (before, after) if left[0] <= left[1])


def _how(entry: bytes | None, written: Digest | None) -> str:
    return _differs(None if entry is None else Digest.of(entry), written)


def _differs(found: Digest | None, written: Digest | None) -> str:
    """Return how what was found differs from what was written, in words."""
    if found is None:
        return "is missing"
    if found.size == 0:
        return "is empty"
    if written is not None and found.size != written.size:
        return f"has {found.size:,} bytes instead of {written.size:,}"
    return "holds other bytes than were written" if written else "cannot be read"
