"""Holding a table against what its commits recorded: which of its files are damaged, and what that touches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

from pipeline.lake.delta.commits import sessions_told, taken_out
from pipeline.lake.delta.fingerprints import THREADS
from pipeline.lake.delta.log_entries import HASHES, LOG, DataFile
from pipeline.lake.integrity.damage import Damage, Kind, TableState
from pipeline.lake.integrity.log import Decode, LogVerification, differs
from pipeline.lake.storage.lake_objects import Objects

Told = Callable[[int], None]
"""Told of the files that are done."""


class TableVerification:
    """One check of the table called `market/name`. `decode` judges files of which no hash was recorded."""

    def __init__(self, objects: Objects, name: str, decode: Decode) -> None:
        self._objects = objects
        self._decode = decode
        self._listed = {found.removeprefix(f"{name}/") for found in objects.names(f"{name}/")}
        self.state = TableState(name)
        self._log = LogVerification(objects, self.state, self._listed, decode)
        self._recorded = {file: digest for one in self._log.records.values() for file, digest in one.files.items()}

    @property
    def steps(self) -> int:
        """Return how many files are to be read."""
        return len(self._present())

    def run(self, told: Told = lambda _: None) -> TableState:
        """Compare every file with its record, and return what was found."""
        self._log.check_checkpoints()
        self._check_files(told)
        self._check_owed()
        self.state.unknown = sorted(self._unknown())
        self.state.rows = sum(one.rows or 0 for one in self.state.live_at(self.state.newest))
        return self.state

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
        recorded, name = self._recorded.get(one.name), f"{self.state.name}/{one.name}"
        if recorded is not None:
            found = self._objects.digest(name)
            return None if found == recorded else differs(found, recorded)
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
        for first, last in owed(self._log.entries):
            found = "were taken out as damaged and have not been made again"
            self.state.damages.append(Damage(Kind.OWED, self.state.sql_name, "", found, first, last))

    def _unknown(self) -> Iterator[str]:
        for name in self._listed - set(self.state.files):
            if not name.startswith((f"{LOG}/", f"{HASHES}/")):
                yield name


def owed(entries: Mapping[int, list[dict[str, Any]]]) -> list[tuple[date, date]]:
    """Return the spans of sessions that a commit took out as damaged and no later one has written."""
    spans: list[tuple[date, date]] = []
    for version in sorted(entries):
        said: dict[str, Any] = next((action["commitInfo"] for action in entries[version] if "commitInfo" in action), {})
        written = sessions_told(said)
        if written is not None:
            spans = [left for span in spans for left in _without(span, written)]
        spans += taken_out(said)
    return spans


def _without(span: tuple[date, date], written: tuple[date, date]) -> Iterator[tuple[date, date]]:
    """Yield what of `span` lies before and after `written`."""
    day = timedelta(days=1)
    before, after = (span[0], min(span[1], written[0] - day)), (max(span[0], written[1] + day), span[1])
    if written[1] < span[0] or written[0] > span[1]:
        yield span
        return
    yield from (left for left in (before, after) if left[0] <= left[1])
