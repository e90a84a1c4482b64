"""Makes files on a local disk survive a power cut: the libraries that write them never do."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import IO

from pipeline.lake.storage.leftovers import BEGINNING

EVERYBODY = 0o666
"""The permissions of a new file, less those that the system's mask takes away."""


@contextmanager
def whole_file(path: Path, permissions: int = EVERYBODY) -> Iterator[IO[bytes]]:
    """Give a file to write that appears at `path` complete and durable, or not at all; the folder must exist."""
    incoming = path.with_name(f"{BEGINNING}{token_hex(8)}")
    try:
        with open(os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, permissions), "wb") as file:  # noqa: PTH123
            yield file
            file.flush()
            os.fsync(file.fileno())
        incoming.replace(path)
    finally:
        incoming.unlink(missing_ok=True)
    make_name_durable(path)


def make_durable(files: Iterable[Path], *, below: Path | None = None) -> None:
    """Flush the existing `files` to the disk, then the folders that contain them.

    With `below`, these are all folders from a file's own up to that one; otherwise its own and its parent.
    """
    existing = [file for file in files if file.exists()]
    for file in existing:
        flush(file)
    if os.name == "posix":
        for folder in {folder for file in existing for folder in _folders(file, below)}:
            flush(folder)


def make_name_durable(path: Path) -> None:
    """Flush the folder that contains `path`; the file's content was flushed before it got this name."""
    if os.name == "posix":
        flush(path.parent)


def make_folder(folder: Path) -> None:
    """Make `folder` and its missing parents, such that they survive a power cut."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    if os.name == "posix":
        for path in missing:
            flush(path.parent)


def _folders(file: Path, below: Path | None) -> list[Path]:
    if below is None:
        return [file.parent, file.parent.parent]
    return [folder for folder in file.parents if folder.is_relative_to(below)]


def flush(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
