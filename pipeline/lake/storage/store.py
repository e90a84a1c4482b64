"""Everything in a lake that depends on its place: a folder of a local disk, or a prefix on S3."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Protocol

from deltalake.exceptions import DeltaError

from pipeline.errors import LakeRefused, PlaceFailed, SettingsError
from pipeline.lake.delta.log_entries import HASHES, LOG, any_record, entry_name, has_version, is_version
from pipeline.lake.storage.leftovers import remove_older, unfinished_below
from pipeline.lake.storage.s3_objects import S3Objects, unreachable
from pipeline.lake.storage.s3_prefix import S3Prefix
from pipeline.lake.storage.usable_paths import require_usable_lake

DISK_ERRORS = {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EDQUOT, errno.EIO, errno.EFBIG}

RAW = "raw"
"""Folder of the vendor's files, beside the tables."""


PROBE = ".candlelake-probe-"
"""Prefix of the objects that test whether commits are safe on a server."""


class Store(Protocol):
    """The storage of tables, each at `<root>/<market>/<name>`."""

    root: str
    storage_options: dict[str, str]
    """The options with which delta-rs and Polars reach it."""

    def tables(self) -> list[str]:
        """Return every table that has a version, as `market/name`, in alphabetical order."""

    def remains(self) -> list[str]:
        """Return the folders of tables without a version: a first write was killed, or the log is lost."""

    def clear_first_commit(self, name: str) -> None:
        """Remove what a failed first commit left in the place of version 0 of a table without a version."""

    def holds_data(self, name: str) -> bool:
        """Return whether anything is left of a table that once had a version: a data file, a record."""

    def remove_leftovers(self, name: str, *, older_than: timedelta) -> list[str]:
        """Remove the unfinished files of killed writers, which Delta does not know."""

    def remove_unfinished(self, *, older_than: timedelta) -> list[str]:
        """Remove leftovers of killed processes outside the tables and beside their data files; return the names."""

    def require_safe_commits(self) -> None:
        """Return if the second of two commits of the same version is refused. Raises LakeRefused."""

    def answering(self, *failures: type[Exception]) -> AbstractContextManager[None]:
        """Return a context that turns failures of the storage, `failures` and OSError, into our own errors."""


class FolderStore:
    """A folder of a local disk, where a commit is a link that fails when the version exists.

    Raises SettingsError when its path has a character that delta-rs interprets.
    """

    def __init__(self, folder: Path) -> None:
        self.root = str(folder.expanduser().resolve())
        self.storage_options: dict[str, str] = {}
        require_usable_lake(Path(self.root))

    def tables(self) -> list[str]:
        """Return every table there is, as `market/name`, in alphabetical order."""
        return sorted(name for name in self._folders() if has_version(Path(self.root, name)))

    def remains(self) -> list[str]:
        """Return the folders of tables without a version: a first write was killed, or the log is lost."""
        return sorted(name for name in self._folders() if not has_version(Path(self.root, name)))

    def clear_first_commit(self, name: str) -> None:
        """Remove the broken entry of version 0 of a table without a version; it would block the first commit."""
        if not has_version(Path(self.root, name)):
            Path(self.root, name, entry_name(0)).unlink(missing_ok=True)

    def _folders(self) -> set[str]:
        root = Path(self.root)
        folders = (path.parent for own in (LOG, HASHES) for path in root.glob(f"*/*/{own}"))
        return {f"{folder.parent.name}/{folder.name}" for folder in folders if folder.parent.name != RAW}

    def holds_data(self, name: str) -> bool:
        """Return whether anything is left of a table that once had a version: a data file, a record."""
        return any(Path(self.root, name).rglob("*.parquet")) or any_record(Path(self.root, name))

    def remove_leftovers(self, name: str, *, older_than: timedelta) -> list[str]:
        """Remove the staging files beside data files and log entries; return their names."""
        folder = Path(self.root, name)
        staging = [*folder.rglob("*.parquet#*"), *folder.glob(f"{LOG}/*.json#*"), *folder.glob(f"{LOG}/*.tmp")]
        return [str(path.relative_to(folder)) for path in remove_older(staging, older_than)]

    def remove_unfinished(self, *, older_than: timedelta) -> list[str]:
        """Remove the files that never got their final name: vendor files, receipts, records; return their names.

        Also log entries that a repair was restoring, and the folders of tables whose first write was killed, unless
        they contain data files.
        """
        root = Path(self.root)
        begun = [root / name for name in self.remains() if not self.holds_data(name)]
        return [
            path.relative_to(root).as_posix() for path in remove_older([*unfinished_below(root), *begun], older_than)
        ]

    def require_safe_commits(self) -> None:
        """Do nothing: a local disk never has two files of the same name."""

    @contextmanager
    def answering(self, *_failures: type[Exception]) -> Iterator[None]:
        """Raise PlaceFailed when the disk fails a library's request."""
        try:
            yield
        except (OSError, DeltaError) as failed:
            reason = _of_the_disk(failed)
            if reason is None:
                raise
            raise PlaceFailed(
                f"The lake in {self.root} cannot be written or read: {reason}.",
                remedy="No table is damaged: check that the folder exists, is writable and has room (`candlelake "
                "doctor` does), then run it again.",
            ) from failed


def _of_the_disk(failed: Exception) -> str | None:
    """Return how the disk failed in a few words, None for an error of another kind."""
    # delta-rs has no type for it, but its message ends with that of the system.
    match = re.search(r"([^:]*) \(os error (\d+)\)", str(failed))
    if match and int(match[2]) in DISK_ERRORS:
        return match[1].strip()
    return failed.strerror or str(failed) if isinstance(failed, OSError) and failed.errno in DISK_ERRORS else None


class S3Store:
    """A prefix on S3, where a commit is a put that fails when the version exists.

    Raises SettingsError when AWS_SESSION_TOKEN is set: delta-rs would send it with the lake's own key.
    """

    def __init__(self, place: S3Prefix) -> None:
        if os.environ.get("AWS_SESSION_TOKEN"):
            raise SettingsError(
                f"AWS_SESSION_TOKEN is set, and would be sent with the key of the lake {place}.",
                remedy="Unset it where candlelake runs; the lake takes keys without a session token only.",
            )
        self.place = place
        self.root = str(place)
        self.storage_options = place.storage_options
        self._objects = S3Objects(place)

    def tables(self) -> list[str]:
        """Return every table there is, as `market/name`, in alphabetical order."""
        markets = [market for market in self._objects.folders("") if market != RAW]
        names = [f"{market}/{name}" for market in markets for name in self._objects.folders(f"{market}/")]
        return sorted(name for name in names if self._has_version(name))

    def remains(self) -> list[str]:
        """Return the folders of tables without a version, whose log is lost: a put is complete or does not happen."""
        markets = [market for market in self._objects.folders("") if market != RAW]
        names = [f"{market}/{name}" for market in markets for name in self._objects.folders(f"{market}/")]
        own = {name: set(self._objects.folders(f"{name}/")) for name in names}
        return sorted(name for name in names if own[name] & {LOG, HASHES} and not self._has_version(name))

    def clear_first_commit(self, name: str) -> None:
        """Do nothing: an object is complete or does not exist."""

    def _has_version(self, name: str) -> bool:
        listed = (name_in_table.removeprefix(f"{name}/") for name_in_table in self._objects.names(f"{name}/{LOG}/"))
        return any(is_version(name_in_table) for name_in_table in listed)

    def holds_data(self, name: str) -> bool:
        """Return whether anything is left of a table that once had a version: a data file, a record."""
        listed = self._objects.names(f"{name}/")
        return any(
            object_name.endswith(".parquet") or object_name.startswith(f"{name}/{HASHES}/") for object_name in listed
        )

    def remove_leftovers(self, name: str, *, older_than: timedelta) -> list[str]:
        """Abort the multipart uploads that no writer finished; return the names they were meant for."""
        uploads = self._objects.unfinished_uploads(f"{name}/", before=datetime.now(UTC) - older_than)
        for target, upload in uploads:
            self._objects.abort_upload(target, upload)
        return [target.removeprefix(f"{name}/") for target, _ in uploads]

    def remove_unfinished(self, *, older_than: timedelta) -> list[str]:
        """Remove the test objects of killed processes (see `PROBE`); return their names."""
        names = self._objects.names_older(PROBE, before=datetime.now(UTC) - older_than)
        for name in names:
            self._objects.delete(name)
        return names

    def require_safe_commits(self) -> None:
        """Check once per process that the server respects `If-None-Match`. Raises LakeRefused when it does not."""
        _probe(self.place)

    @contextmanager
    def answering(self, *failures: type[Exception]) -> Iterator[None]:
        """Raise the server's error for a plain listing when a library could not reach it.

        If the listing works, an OSError becomes LakeUnreachable, unless an object is missing; a missing object, and any
        other failure, is raised as it is.
        """
        kinds: tuple[type[Exception], ...] = (OSError, *failures)
        try:
            yield
        except kinds as failed:
            # The libraries' own messages are long and of many kinds.
            self._objects.folders("")
            if isinstance(failed, OSError) and not isinstance(failed, FileNotFoundError):
                raise unreachable(self.place, str(failed).splitlines()[0]) from failed
            raise


def store_of(place: Path | str | S3Prefix) -> Store:
    """Return the store at `place`. Raises SettingsError when no lake can be there."""
    if isinstance(place, S3Prefix):
        return S3Store(place)
    if "://" in str(place):
        raise SettingsError(
            f"{place} needs an endpoint and credentials.", remedy="Give Lake an S3Prefix, or a folder's path."
        )
    return FolderStore(Path(place))


@cache
def _probe(place: S3Prefix) -> None:
    """Put one object twice on condition that there is none. The result is cached; an error is not."""
    objects = S3Objects(place)
    objects.folders("")  # some servers create a missing bucket when an object is put there
    name = f"{PROBE}{token_hex(8)}"
    try:
        objects.put_new(name, b"first")
        if objects.put_new(name, b"second"):
            raise LakeRefused(
                f"The server at {place.endpoint} overwrites an object that it should write only if there is none (it "
                "ignores If-None-Match). Of two runs that commit at once it would silently lose one.",
                remedy="Keep the lake in a folder, or on a server that supports conditional puts, as AWS S3 does; "
                "docs/s3.md names more.",
            )
    finally:
        objects.delete(name)
