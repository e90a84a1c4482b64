"""What every commit of a table said of itself, and which files its versions read, whatever is left of its log.

Any Delta program may remove the beginning of a log once there is a checkpoint after it. Our own record of each commit
keeps the log entry beside the table, so the trail goes on from there.
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
"""Entries read at a time: on S3 each is a request of its own."""

Actions = list[dict[str, Any]]


class Trail:
    """The commits of the table called `market/name`. `open_named` opens its newest version."""

    def __init__(self, objects: Objects, name: str, open_named: Callable[[str], DeltaTable]) -> None:
        self._objects = objects
        self._name = name
        self._open_named = open_named
        self._fingerprints = Fingerprints(objects, name)
        self._commits = -1, as_commits(())
        """Of the version that was looked at last."""
        self._entries: dict[int, Actions] = {}
        """Those that were looked up one by one; an entry never changes."""

    def commits(self) -> pl.DataFrame:
        """Return every commit that is known, newest first, in the columns of `COMMIT`.

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
        except TableDamaged:  # by what one of the commits says of itself: the others are read one by one
            logged = []
        # Delta counts versions down from the newest, so that it names them right only while none is missing.
        if len(logged) == opened.version() + 1:
            return as_commits(logged)
        versions = range(opened.version(), -1, -1)
        self._look_up(versions)
        said = ((version, _said(self._entries[version])) for version in versions if version in self._entries)
        return as_commits({**one, "version": version} for version, one in said)

    def readable_commits(self) -> pl.DataFrame:
        """Return those whose version Delta can open."""
        return self.commits().filter(pl.col("version") >= self.oldest_readable())

    def unknown(self) -> list[int]:
        """Return the versions that nobody knows any more what they changed, in order."""
        known = set(self.commits()["version"])
        return [version for version in range(self._open_named(self._name).version() + 1) if version not in known]

    def oldest_readable(self) -> int:
        """Return the oldest version that Delta can open."""
        if self._objects.size(f"{self._name}/{entry_name(0)}") is not None:
            return 0
        names = self._objects.names(f"{self._name}/{LOG}/")
        checkpoints = (checkpoint_version(name.removeprefix(f"{self._name}/")) for name in names)
        return min((version for version in checkpoints if version is not None), default=0)

    def last_alike(self, version: int, start: date | None = None, end: date | None = None) -> int:
        """Return the last version in which the rows of the sessions `start` … `end` are as in `version`.

        Nothing that may have changed one of them, and no commit that is not known, came in between.
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
        """Return the data files that `version` reads, from what each commit up to it said; None when one is lost."""
        versions = range(version + 1)
        self._look_up(versions)
        if any(one not in self._entries for one in versions):
            return None
        told = replayed({one: self._entries[one] for one in versions})
        return [one for one in told.values() if one.removed_in is None]

    def _look_up(self, versions: Iterable[int]) -> None:
        wanted = [version for version in versions if version not in self._entries]
        with ThreadPoolExecutor(THREADS, thread_name_prefix="trail") as threads:
            found = threads.map(self._entry, wanted)
            self._entries |= {version: entry for version, entry in zip(wanted, found, strict=True) if entry is not None}

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


def _said(actions: Actions) -> dict[str, Any]:
    return next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
