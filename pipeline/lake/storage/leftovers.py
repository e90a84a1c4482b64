"""Files that a killed process left before they got their name: outside tables, where no vacuum of Delta's looks."""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import time

BEGINNING = ".incoming-"
"""How a file of the lake is called until it is whole, and a folder that vendor files land in."""


def remove_older(left: Iterable[Path], age: timedelta) -> list[Path]:
    """Remove those files and folders of `left` that are older, a folder with all in it, and return them.

    What goes meanwhile was somebody's who is at work.
    """
    moment = time() - age.total_seconds()
    removed = []
    for path in left:
        with suppress(FileNotFoundError):
            if path.lstat().st_mtime < moment:
                _remove(path)
                removed.append(path)
    return removed


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def unfinished_below(root: Path) -> list[Path]:
    """Return the files and folders below `root` that are called `.incoming-…`, as long as they are not whole."""
    # Unlike a glob, a walk passes over folders that go meanwhile.
    return [
        Path(folder, name)
        for folder, folders, files in os.walk(root)
        for name in [*folders, *files]
        if name.startswith(BEGINNING)
    ]


def unfinished_copies(file: Path) -> list[Path]:
    """Return what lies beside `file` of copies that were to take its place."""
    return list(file.parent.glob(f".{file.name}-*"))
