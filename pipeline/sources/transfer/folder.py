"""Flat files in a folder of the vendor's layout, such as a mirror of the vendor's bucket."""

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from stat import S_ISREG
from time import time_ns

from pipeline.errors import AccessDenied, FileRefused, NotPublished, SettingsError, TransferFailed
from pipeline.sources.port import (
    Download,
    FlatFile,
    key_of,
    not_published,
    require_order,
    session_of,
)
from pipeline.sources.transfer.landing import CHUNK, Interrupted, land

YEAR = re.compile(r"\d{4}")

DEEPEST = 3
"""Levels of folders searched below a year: months and a little more, to find misplaced files."""

SETTLED = 2_000_000_000
"""Nanoseconds since the last change after which another change is sure to give a file other times."""


class FolderFlatFiles:
    """Flat files under a folder. A file's ETag is the MD5 of its bytes, so that a changed file is a new version.

    Listing hashes the files it returns, and only those; a hash is cached while inode, size and both times of the file
    stay the same, and never for a file that changed within the last two seconds.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self._hashes: dict[tuple[str, int, int, int, int], str] = {}

    def __repr__(self) -> str:
        return f"the folder {self.root}"

    def years(self, dataset: str) -> list[int]:
        """Return the years that have a folder, oldest first.

        Raises SettingsError when the folder, or the dataset in it, does not exist.
        """
        folder = self._dataset_folder(dataset)
        years = sorted(int(entry.name) for entry in _entries(folder) if YEAR.fullmatch(entry.name) and entry.is_dir())
        if not years:
            raise SettingsError(
                f"{folder} has no folder of a year.",
                remedy="Put files there in the vendor's layout: YYYY/MM/YYYY-MM-DD.csv.gz.",
            )
        return years

    def sessions(self, dataset: str, year: int) -> list[date]:
        """Return the dates with a file in `year`, oldest first, without reading any file."""
        folder = self._dataset_folder(dataset) / f"{year:04}"
        if not folder.is_dir():
            return []
        keys = (path.relative_to(self.root).as_posix() for path in _files_below(folder))
        return sorted(session for key in keys if (session := session_of(dataset, key)))

    def files(self, dataset: str, start: date | None = None, end: date | None = None) -> list[FlatFile]:
        """Return the files dated `start` … `end` (both included, open when None), oldest first, each hashed.

        Raises SettingsError when there is no such folder or dataset, or the range runs backwards; TransferFailed when
        a file is being written.
        """
        require_order(start, end)
        first, last = start or date.min, end or date.max
        return [
            self._listed(dataset, session)
            for year in self.years(dataset)
            if first.year <= year <= last.year
            for session in self.sessions(dataset, year)
            if first <= session <= last
        ]

    def file(self, dataset: str, session: date) -> FlatFile:
        """Return the file of one session. Raises NotPublished when there is none."""
        self._dataset_folder(dataset)
        return self._listed(dataset, session)

    def require_readable(self, file: FlatFile) -> None:
        """Return if the file may be opened. Raises AccessDenied or NotPublished when not."""
        next(self._chunks(file), b"")

    def download(self, file: FlatFile, path: Path) -> Download:
        """Copy exactly this version of `file` to `path`, verified, or raise and leave `path` as it was.

        Raises TransferFailed when the file is no longer the one listed, NotPublished when it is gone, AccessDenied
        when it may not be read.
        """
        try:
            return land(self._chunks(file), file, path)
        except Interrupted as changed:
            raise TransferFailed(
                f"{self.root / file.key} is no longer the file that was listed. {changed.message}",
                remedy="List it again; it was replaced or is being written.",
            ) from changed

    def _dataset_folder(self, dataset: str) -> Path:
        folder = self.root / dataset
        if not self.root.is_dir():
            raise SettingsError(
                f"The folder {self.root} does not exist.",
                remedy="Set CANDLELAKE_FLAT_FILES to a folder of flat files, or to s3://flatfiles for the vendor.",
            )
        if not folder.is_dir():
            raise SettingsError(
                f"{self.root} has no {dataset}.",
                remedy=f"Set CANDLELAKE_FLAT_FILES to the folder that contains {dataset}/YYYY/MM/YYYY-MM-DD.csv.gz.",
            )
        return folder

    def _listed(self, dataset: str, session: date) -> FlatFile:
        key = key_of(dataset, session)
        path = self.root / key
        try:
            before = path.stat()
            if not S_ISREG(before.st_mode):
                # To open a pipe would wait for ever.
                raise FileRefused(f"{path} is not a file.", remedy="Remove it, or put the file itself there.")
            etag = self._md5(path, before)
            after = path.stat()
        except FileNotFoundError:
            raise not_published(dataset, session, repr(self)) from None
        except OSError as refused:
            raise _unreadable(path, refused) from refused
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise TransferFailed(f"{path} is being written.", remedy="Try again when the mirror is complete.")
        try:
            modified = datetime.fromtimestamp(after.st_mtime_ns // 1000 / 1e6, UTC)
        except (ValueError, OverflowError, OSError) as impossible:
            raise FileRefused(
                f"{path} has an impossible time of modification ({impossible}).",
                remedy="Give it a time of modification with `touch`.",
            ) from impossible
        return FlatFile(dataset, session, key, after.st_size, etag, modified)

    def _md5(self, path: Path, status: os.stat_result) -> str:
        identity = (str(path), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if (cached := self._hashes.get(identity)) is not None:
            return cached
        with path.open("rb") as opened:
            md5 = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        # Times come in ticks: a file that changes twice within one would keep its identity.
        if time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED:
            self._hashes[identity] = md5
        return md5

    def _chunks(self, file: FlatFile) -> Iterator[bytes]:
        path = self.root / file.key
        try:
            with path.open("rb") as opened:
                while chunk := opened.read(CHUNK):
                    yield chunk
        except FileNotFoundError:
            raise NotPublished(f"{path} is gone since it was listed.", remedy="List again.") from None
        except OSError as refused:
            raise _unreadable(path, refused) from refused


def _files_below(folder: Path) -> Iterator[Path]:
    def refuse(refused: OSError) -> None:
        raise _unreadable(folder, refused) from refused

    for directory, below, names in os.walk(folder, onerror=refuse, followlinks=True):
        yield from (Path(directory, name) for name in names)
        # Links may form a circle.
        if len(Path(directory).relative_to(folder).parts) >= DEEPEST:
            below.clear()


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as refused:
        raise _unreadable(folder, refused) from refused


def _unreadable(path: Path, refused: OSError) -> AccessDenied | TransferFailed:
    if isinstance(refused, PermissionError):
        return AccessDenied(f"{path} may not be read.", remedy="Correct the permissions of the folder and its files.")
    return TransferFailed(f"{path} cannot be read: {refused.strerror}.", remedy="Check the disk or the network share.")
