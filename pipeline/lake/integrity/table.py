"""Checks a table against the records of its commits: which files are damaged, and which sessions that affects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

from pipeline.lake.delta.commits import replaced_sessions, taken_out_sessions
from pipeline.lake.delta.fingerprints import THREADS
from pipeline.lake.delta.log_entries import HASHES, LOG, DataFile
from pipeline.lake.integrity.damage import Damage, Kind, TableState
from pipeline.lake.integrity.log import Decode, LogVerification, differs
from pipeline.lake.storage.lake_objects import Objects

Advance = Callable[[int], None]
"""Called with the number of files that are done."""


class TableVerification:
    """One check of the table called `market/name`. `decode` judges files without a recorded hash."""

    def __init__(self, objects: Objects, name: str, decode: Decode) -> None:
        self._objects = objects
        self._decode = decode
        self._file_names = {path.removeprefix(f"{name}/") for path in objects.names(f"{name}/")}
        self.state = TableState(name)
        self._log = LogVerification(objects, self.state, self._file_names, decode)
        self._recorded = {
            file: digest for record in self._log.records.values() for file, digest in record.files.items()
        }

    @property
    def steps(self) -> int:
        """Return how many files the check reads."""
        return len(self._present())

    def run(self, advance: Advance = lambda _: None) -> TableState:
        """Compare every file with its record, and return the findings."""
        self._log.check_checkpoints()
        self._check_files(advance)
        self._check_owed()
        self.state.unknown = sorted(self._unknown())
        self.state.rows = sum(file.rows or 0 for file in self.state.live_at(self.state.newest))
        return self.state

    def _present(self) -> list[DataFile]:
        # The listing is not used: a run may have committed since.
        return [
            file
            for file in self.state.files.values()
            if self._objects.size(f"{self.state.name}/{file.name}") is not None
        ]

    def _check_files(self, advance: Advance) -> None:
        present = self._present()
        there = {file.name for file in present}
        for file in self.state.files.values():
            # A file that the newest version does not need may be missing: vacuum removed it.
            if file.name not in there and file.removed_in is None:
                self._damage_of(file, "is missing")
        with ThreadPoolExecutor(THREADS, thread_name_prefix="verifying") as threads:
            for file, fault in zip(present, threads.map(self._fault, present), strict=True):
                if fault is None:
                    self.state.whole.add(file.name)
                else:
                    self._damage_of(file, fault)
                self.state.checked += 1
                self.state.size += self._objects.size(f"{self.state.name}/{file.name}") or 0
                advance(1)

    def _fault(self, file: DataFile) -> str | None:
        recorded, name = self._recorded.get(file.name), f"{self.state.name}/{file.name}"
        if recorded is not None:
            found = self._objects.digest(name)
            return None if found == recorded else differs(found, recorded)
        data = self._objects.read(name) or b""
        if len(data) != file.size:
            return f"has {len(data):,} bytes instead of {file.size:,}"
        return self._decode(data, file)

    def _damage_of(self, file: DataFile, found: str) -> None:
        until = self.state.newest + 1 if file.removed_in is None else file.removed_in
        kind = Kind.DATA if file.removed_in is None else Kind.OLD_DATA
        place, read_by = f"{self.state.name}/{file.name}", tuple(range(file.added_in, until))
        self.state.damages.append(Damage(kind, self.state.sql_name, place, found, file.first, file.last, read_by))

    def _check_owed(self) -> None:
        for first, last in owed(self._log.entries):
            text = "were taken out as damaged and have not been made again"
            self.state.damages.append(Damage(Kind.OWED, self.state.sql_name, "", text, first, last))

    def _unknown(self) -> Iterator[str]:
        for name in self._file_names - set(self.state.files):
            if not name.startswith((f"{LOG}/", f"{HASHES}/")):
                yield name


def owed(entries: Mapping[int, list[dict[str, Any]]]) -> list[tuple[date, date]]:
    """Return the spans of sessions that a commit took out as damaged and no later commit has written."""
    spans: list[tuple[date, date]] = []
    for version in sorted(entries):
        info: dict[str, Any] = next((action["commitInfo"] for action in entries[version] if "commitInfo" in action), {})
        written = replaced_sessions(info)
        if written is not None:
            spans = [part for span in spans for part in _without(span, written)]
        spans += taken_out_sessions(info)
    return spans


def _without(span: tuple[date, date], written: tuple[date, date]) -> Iterator[tuple[date, date]]:
    """Yield the parts of `span` before and after `written`."""
    day = timedelta(days=1)
    before, after = (span[0], min(span[1], written[0] - day)), (max(span[0], written[1] + day), span[1])
    if written[1] < span[0] or written[0] > span[1]:
        yield span
        return
    yield from (part for part in (before, after) if part[0] <= part[1])
