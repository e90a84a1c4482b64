"""Making what was written to a local disk outlast a power cut: the libraries that write never do."""

import os
from collections.abc import Iterable
from pathlib import Path


def make_durable(files: Iterable[Path]) -> None:
    """Flush `files` and the folders that name them to the disk, the files first."""
    written = [file for file in files if file.exists()]
    for file in written:
        _flush(file)
    if os.name == "posix":
        for folder in {parent for file in written for parent in (file.parent, file.parent.parent)}:
            _flush(folder)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
