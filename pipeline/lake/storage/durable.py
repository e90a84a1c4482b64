"""Making what was written to a local disk outlast a power cut: the libraries that write never do."""

import os
from collections.abc import Iterable
from pathlib import Path


def make_durable(files: Iterable[Path], *, below: Path | None = None) -> None:
    """Flush those of `files` that are there to the disk, then the folders that name them.

    With `below`, these are all folders from a file's own up to that one; otherwise its own and the one above.
    """
    written = [file for file in files if file.exists()]
    for file in written:
        flush(file)
    if os.name == "posix":
        for folder in {folder for file in written for folder in _folders(file, below)}:
            flush(folder)


def make_name_durable(path: Path) -> None:
    """Flush the folder that names `path`; what the file holds was flushed before it took the name."""
    if os.name == "posix":
        flush(path.parent)


def make_folder(folder: Path) -> None:
    """Make `folder`, and those above it that are missing, such that they outlast a power cut."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    if os.name == "posix":
        for one in missing:
            flush(one.parent)


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
