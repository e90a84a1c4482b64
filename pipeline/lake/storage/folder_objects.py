"""The files under a lake's folder by name, with the methods of an object store: read, put, hash and move files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.lake.storage.durable import make_durable, make_folder, whole_file
from pipeline.lake.storage.privacy import PRIVATE_MARKET, make_private_folder


@dataclass(frozen=True)
class Digest:
    """Size and hash of the bytes of a file."""

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Digest:
        """Return the digest of `data`."""
        return cls(len(data), hashlib.sha256(data).hexdigest())


class FolderObjects:
    """The files under `root`. Names are relative to it, with slashes; put and moved files survive a power cut."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file, None when there is none."""
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return None

    def size(self, name: str) -> int | None:
        """Return how many bytes a file has, None when there is none."""
        try:
            return (self.root / name).stat().st_size
        except FileNotFoundError:
            return None

    def mark_of_last(self, name: str, following: str) -> Hashable | None:
        """Return a mark that changes when the file is written again; None without it, or when `following` exists."""
        if (self.root / following).exists():
            return None
        try:
            status = (self.root / name).stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def digest(self, name: str) -> Digest | None:
        """Return the digest of a file, None when there is none. Other threads run meanwhile."""
        try:
            with (self.root / name).open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                return Digest(os.fstat(file.fileno()).st_size, sha256)
        except FileNotFoundError:
            return None

    def names(self, beginning: str) -> Iterator[str]:
        """Yield the names of the files in the folder `beginning` (with its slash) and below, in alphabetical order."""
        for path in sorted((self.root / beginning).rglob("*")):
            if path.is_file():
                yield path.relative_to(self.root).as_posix()

    def put(self, name: str, body: bytes) -> None:
        """Write a file, replacing an existing one, in one atomic step."""
        path = self.root / name
        make_folder(path.parent)
        with whole_file(path) as file:
            file.write(body)

    def make_folder(self, name: str) -> None:
        """Make a folder such that it survives a power cut."""
        make_private_folder(self.root.parent)  # the home, unless the lake is elsewhere
        if name == PRIVATE_MARKET:
            make_private_folder(self.root / name)
        make_folder(self.root / name)

    def move(self, name: str, new_name: str) -> None:
        """Rename a file, if there is one."""
        path, target = self.root / name, self.root / new_name
        if path.is_file():
            make_folder(target.parent)
            path.replace(target)
            make_durable([target], below=target.parent)

    def delete(self, name: str) -> None:
        """Remove a file, if there is one."""
        (self.root / name).unlink(missing_ok=True)
