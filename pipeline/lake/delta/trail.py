"""The metadata of every commit of a table, and the files of its versions, whatever is left of its log.

Any Delta program may remove the start of a log once there is a checkpoint after it. Our own record of each commit keeps
the log entry beside the table, so the trail continues from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import polars as pl
from deltalake import DeltaTable

from pipeline.errors import TableDamaged
from pipeline.lake.delta.commits import Changes, as_commits, history_of
from pipeline.lake.delta.fingerprints import Fingerprints, RecordDamaged
from pipeline.lake.delta.log_entries import LOG, DataFile, actions_of, checkpoint_version, entry_name, replayed
from pipeline.lake.storage.lake_objects import Objects

THREADS = 16
"""Entries read at a time: on S3 each is one request."""

Actions = list[dict[str, Any]]


class Trail:
    """The commits of the table called `market/name`. `open_named` opens its newest version."""

    def __init__(self, objects: Objects, name: str, open_named: Callable[[str], DeltaTable]) -> None:
        self._objects = objects
        self._name = name
        self._open_named = open_named
        self._fingerprints = Fingerprints(objects, name)
        self._commits = -1, as_commits(())
        """Of the version that was read last."""
        self._entries: dict[int, Actions] = {}
        """Entries that were read one by one; an entry never changes."""

    def commits(self) -> pl.DataFrame:
        """Return every known commit, newest first, in the columns of `COMMIT`.

        Raises TableMissing, TableDamaged.
        """
        opened = self._open_named(self._name)
        version, commits = self._commits
        if version != opened.version():
            commits = self._commits_of(opened).filter(pl.col("changes") != Changes.UNKNOWN)
            self._commits = opened.version(), commits
        return commits

    def _commits_of(self, opened: DeltaTable) -> pl.DataFrame:
        try:
            logged = history_of(opened)
        except TableDamaged:  # the metadata of one commit are unreadable: the others are read one by one
            logged = []
        # Delta counts versions down from the newest, so its numbers are right only while none is missing.
        if len(logged) == opened.version() + 1:
            return as_commits(logged)
        versions = range(opened.version(), -1, -1)
        self._look_up(versions)
        infos = ((version, _commit_info(self._entries[version])) for version in versions if version in self._entries)
        return as_commits({**info, "version": version} for version, info in infos)

    def readable_commits(self) -> pl.DataFrame:
        """Return the commits whose version Delta can open."""
        return self.commits().filter(pl.col("version") >= self.oldest_readable())

    def unknown(self) -> list[int]:
        """Return the versions whose changes are no longer known, in order."""
        known_versions = set(self.commits()["version"])
        return [
            version for version in range(self._open_named(self._name).version() + 1) if version not in known_versions
        ]

    def oldest_readable(self) -> int:
        """Return the oldest version that Delta can open."""
        if self._objects.size(f"{self._name}/{entry_name(0)}") is not None:
            return 0
        names = self._objects.names(f"{self._name}/{LOG}/")
        checkpoints = (checkpoint_version(name.removeprefix(f"{self._name}/")) for name in names)
        return min((version for version in checkpoints if version is not None), default=0)

    def last_alike(self, version: int, start: date | None = None, end: date | None = None) -> int:
        """Return the last version in which the rows of the sessions `start` … `end` are the same as in `version`.

        Between the two is no commit that may have changed one of them, and no unknown commit.
        """
        commits = self.commits().filter(pl.col("version") > version)
        elsewhere = pl.lit(value=False)
        if start is not None:
            elsewhere |= pl.col("last_session") < start
        if end is not None:
            elsewhere |= pl.col("first_session") > end
        same = (pl.col("changes") == Changes.NOTHING) | ((pl.col("changes") == Changes.SESSIONS) & elsewhere)
        alike = set(commits.filter(same)["version"])
        while version + 1 in alike:
            version += 1
        return version

    def files_of(self, version: int) -> list[DataFile] | None:
        """Return the data files that `version` reads, from the entries of all commits up to it; None if one is lost."""
        versions = range(version + 1)
        self._look_up(versions)
        if any(number not in self._entries for number in versions):
            return None
        replayed_files = replayed({number: self._entries[number] for number in versions})
        return [number for number in replayed_files.values() if number.removed_in is None]

    def _look_up(self, versions: Iterable[int]) -> None:
        missing = [version for version in versions if version not in self._entries]
        with ThreadPoolExecutor(THREADS, thread_name_prefix="trail") as threads:
            entries = threads.map(self._entry, missing)
            self._entries |= {
                version: entry for version, entry in zip(missing, entries, strict=True) if entry is not None
            }

    def _entry(self, version: int) -> Actions | None:
        """Return the actions of a version, from the log or from the copy in its record."""
        for entry in (self._objects.read(f"{self._name}/{entry_name(version)}"), self._copy(version)):
            try:
                return actions_of(entry or b"")
            except ValueError:
                continue
        return None

    def _copy(self, version: int) -> bytes | None:
        try:
            record = self._fingerprints.get(version)
        except RecordDamaged:
            return None
        return record.entry if record is not None else None


def _commit_info(actions: Actions) -> dict[str, Any]:
    return next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
