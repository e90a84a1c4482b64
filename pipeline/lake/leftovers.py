"""Files that a killed process left before they got their name: outside tables, where no vacuum of Delta's looks."""

import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from time import time

BEGINNING = ".incoming-"
"""How a file of the lake is called until it is whole, and a folder that vendor files land in."""

INCOMING = f"{BEGINNING}*"


def remove_older(left: Iterable[Path], age: timedelta) -> list[Path]:
    """Remove those files and folders of `left` that are older, a folder with all in it, and return them."""
    moment = time() - age.total_seconds()
    removed = [path for path in left if (path.lstat()).st_mtime < moment]
    for path in removed:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return removed


def unfinished_copies(file: Path) -> list[Path]:
    """Return what lies beside `file` of copies that were to take its place."""
    return list(file.parent.glob(f".{file.name}-*"))
