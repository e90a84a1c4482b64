"""A record of every commit, stored beside the table: the SHA-256 of its data files, and its log entry itself.

Delta records only the size and the rows of a file, and most single flipped bits in a Parquet file read back as wrong
numbers without an error. There is one record per version, in `<table>/_hashes`, which Delta and its vacuum leave alone.
It has a copy of the log entry, so that a lost entry can be restored.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from pipeline.contracts.foreign_json import from_json
from pipeline.errors import CandlelakeError, TableDamaged
from pipeline.lake.delta.log_entries import HASHES, LAST_CHECKPOINT, actions_of, added_by, checkpoint_name, entry_name
from pipeline.lake.storage.folder_objects import Digest
from pipeline.lake.storage.lake_objects import Objects

LOST = ".lost"
"""Suffix of the note that the log entry of a version is lost."""

THREADS = 4
"""Files hashed at a time; OpenSSL lets other threads run."""


class HashesNotRecorded(UserWarning):
    """A commit exists, but the record of its files does not."""


class RecordDamaged(ValueError):
    """A record is not as it was written."""


@dataclass(frozen=True)
class Record:
    """What one commit wrote."""

    version: int
    entry: bytes
    """The log entry, as it was written."""
    before: str | None
    """SHA-256 of the log entry of the version before, None for the first; so a lost record leaves a trace."""
    files: dict[str, Digest]
    """Data files that the commit added, by name relative to the table."""
    checkpoints: dict[str, Digest]
    """The checkpoint of this version and the hint to it, if there is one."""

    @property
    def entry_digest(self) -> Digest:
        """Return the digest of the log entry."""
        return Digest.of(self.entry)


class Fingerprints:
    """The records of the table called `market/name` among the files of a lake."""

    def __init__(self, objects: Objects, table: str) -> None:
        self._objects = objects
        self._table = table

    @property
    def sql_name(self) -> str:
        """Return the name of the table in SQL."""
        return self._table.replace("/", ".", 1)

    def name(self, version: int) -> str:
        """Return the path of the record of a version, relative to the table."""
        return f"{HASHES}/{version:020}.json"

    def versions(self) -> list[int]:
        """Return the versions that have a record, in order."""
        beginning = f"{self._table}/{HASHES}/"
        stems = (name.removeprefix(beginning).removesuffix(".json") for name in self._objects.names(beginning))
        return sorted(int(stem) for stem in stems if stem.isdecimal())

    def given_up(self) -> set[int]:
        """Return the versions whose entry a repair found lost, but that a later checkpoint replaces."""
        beginning = f"{self._table}/{HASHES}/"
        stems = (name.removeprefix(beginning).removesuffix(LOST) for name in self._objects.names(beginning))
        return {int(stem) for stem in stems if stem.isdecimal()}

    def give_up(self, version: int, found: str) -> None:
        """Note that the entry of a version is lost, and what was found there: it no longer counts as damage."""
        self._objects.put(f"{self._table}/{HASHES}/{version:020}{LOST}", f"The log entry {found}.\n".encode())

    def get(self, version: int) -> Record | None:
        """Return the record of a version, None when there is none. Raises RecordDamaged."""
        data = self._objects.read(f"{self._table}/{self.name(version)}")
        return None if data is None else _record_from(data, version)

    def record(self, versions: Iterable[int]) -> None:
        """Write the records of `versions`, which have just been committed; an existing record stays."""
        for version in versions:
            if self._objects.size(f"{self._table}/{self.name(version)}") is None:
                self.record_anew(version)

    def record_anew(self, version: int) -> None:
        """Write the record of a version from the lake's current files. Raises ValueError when its entry is lost."""
        entry = self._objects.read(f"{self._table}/{entry_name(version)}")
        if entry is None:
            raise ValueError(f"no entry of version {version}")
        before = self._objects.read(f"{self._table}/{entry_name(version - 1)}") if version else None
        files = [file.name for file in added_by(actions_of(entry), version)]
        record = Record(
            version=version,
            entry=entry,
            before=None if before is None else Digest.of(before).sha256,
            files=self._digests(files),
            checkpoints=self._checkpoints(version),
        )
        self._objects.put(f"{self._table}/{self.name(version)}", _record_bytes(record))

    def record_checkpoint(self, version: int) -> None:
        """Add the current checkpoint of a version to its record, if that is undamaged."""
        try:
            record = self.get(version)
        except RecordDamaged:
            return
        if record is not None:
            record = replace(record, checkpoints=self._checkpoints(version))
            self._objects.put(f"{self._table}/{self.name(version)}", _record_bytes(record))

    def require_newest(self, version: int) -> None:
        """Return if `version`, the newest that Delta reads, is the newest that was written, with an undamaged entry.

        Raises TableDamaged otherwise: a write now would bury the lost entries.
        """
        self._require(version, lambda entry, written: entry == written)

    def require_none_lost(self, version: int) -> None:
        """Return if no entry after `version`, the newest that Delta reads, is lost, and that one is not empty.

        Raises TableDamaged otherwise. Maintenance needs no more: it uses the table as Delta reads it.
        """
        self._require(version, lambda entry, _: bool(entry and entry.strip(b"\0\n ")))

    def _require(self, version: int, is_there: Callable[[bytes | None, bytes], bool]) -> None:
        for number in (version, version + 1):
            try:
                record = self.get(number)
            except RecordDamaged:
                continue
            entry = self._objects.read(f"{self._table}/{entry_name(number)}")
            if record is not None and not is_there(entry, record.entry):
                raise TableDamaged(
                    f"The log entry of version {number} of {self.sql_name} is damaged or lost, so the table "
                    "reads as it was before.",
                    remedy="`candlelake verify --repair` puts it back.",
                )

    def _checkpoints(self, version: int) -> dict[str, Digest]:
        checkpoint = checkpoint_name(version)
        is_there = self._objects.size(f"{self._table}/{checkpoint}") is not None
        return self._digests([checkpoint, LAST_CHECKPOINT]) if is_there else {}

    def _digests(self, names: Iterable[str]) -> dict[str, Digest]:
        all_names = list(names)
        if len(all_names) == 1:  # a thread costs more than a small file
            digest = self._objects.digest(f"{self._table}/{all_names[0]}")
            return {all_names[0]: digest} if digest is not None else {}
        with ThreadPoolExecutor(THREADS, thread_name_prefix="hashing") as threads:
            digests = threads.map(lambda name: self._objects.digest(f"{self._table}/{name}"), all_names)
            return {name: digest for name, digest in zip(all_names, digests, strict=True) if digest is not None}


def record_or_warn(records: Fingerprints, versions: Sequence[int]) -> None:
    """Write the records of `versions`, which have just been committed; warn when the storage refuses."""
    try:
        records.record(versions)
    except (OSError, CandlelakeError) as failed:
        why = failed.strerror if isinstance(failed, OSError) else failed.message
        warnings.warn(
            f"The rows of {records.sql_name} are written, but the hashes of version {versions[-1]} are not ({why}). "
            "`candlelake verify --record` records them.",
            HashesNotRecorded,
            stacklevel=2,
        )


def _record_bytes(record: Record) -> bytes:
    """Return the text of a record: a line of JSON, and the SHA-256 of that line."""
    content = {
        "version": record.version,
        "before": record.before,
        "files": {name: [digest.size, digest.sha256] for name, digest in record.files.items()},
        "checkpoints": {name: [digest.size, digest.sha256] for name, digest in record.checkpoints.items()},
        "entry": record.entry.decode(),
    }
    line = json.dumps(content, ensure_ascii=False).encode()
    return line + b"\n" + Digest.of(line).sha256.encode() + b"\n"


def _record_from(data: bytes, version: int) -> Record:
    line, _, checksum = data.partition(b"\n")
    if checksum != Digest.of(line).sha256.encode() + b"\n":
        raise RecordDamaged("its own checksum does not match")
    try:
        content = from_json(line)
        record = Record(
            version=content["version"],
            entry=content["entry"].encode(),
            before=content["before"],
            files={name: Digest(*values) for name, values in content["files"].items()},
            checkpoints={name: Digest(*values) for name, values in content["checkpoints"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as strange:
        raise RecordDamaged("it is not a record") from strange
    if record.version != version:
        raise RecordDamaged(f"it is the record of version {record.version}")
    return record
