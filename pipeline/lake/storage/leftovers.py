"""Unfinished files of killed processes outside tables, where Delta's vacuum does not look."""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import time

BEGINNING = ".incoming-"
"""Prefix of a file of the lake until it is complete, and of a folder for incoming vendor files."""


def remove_older(paths: Iterable[Path], age: timedelta) -> list[Path]:
    """Remove the files and folders of `paths` that are older than `age`, folders with their content; return them.

    A file that disappears meanwhile belonged to a process at work.
    """
    moment = time() - age.total_seconds()
    removed = []
    for path in paths:
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
    """Return the unfinished files and folders below `root`, called `.incoming-…`."""
    # Unlike a glob, a walk ignores folders that disappear meanwhile.
    return [
        Path(folder, name)
        for folder, folders, files in os.walk(root)
        for name in [*folders, *files]
        if name.startswith(BEGINNING)
    ]


def unfinished_copies(file: Path) -> list[Path]:
    """Return the unfinished copies of `file` beside it."""
    return list(file.parent.glob(f".{file.name}-*"))
