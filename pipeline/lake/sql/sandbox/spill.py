"""Folders for data that do not fit into memory, one per child. Folders of killed processes are removed later."""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

if sys.platform != "win32" or TYPE_CHECKING:
    import fcntl

PREFIX = "candlelake-sql-"
LOCK = "lock"
"""File that the owner keeps locked. The kernel releases the lock when the owner ends, however it ends."""

UNLOCKED_FOR = 86_400
"""Seconds after which a folder without a lock is left over: it is from a version without locks."""


class Spill:
    """A folder of this process, removed by `remove`, or by a later process if this one is killed."""

    def __init__(self) -> None:
        self._outer = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock: IO[bytes] | None = None
        lock = (self._outer / LOCK).open("wb")
        if _takes(lock):
            self._lock = lock
        else:
            lock.close()
        self.folder = self._outer / "spill"
        self.folder.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove the folder with its content."""
        shutil.rmtree(self._outer, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()


def sweep() -> list[str]:
    """Remove the folders whose owners have ended; return their names. Other folders stay."""
    swept = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_left_over(folder):
            shutil.rmtree(folder, ignore_errors=True)
            swept.append(folder.name)
    return swept


def _is_left_over(folder: Path) -> bool:
    if sys.platform == "win32":
        return False
    try:
        state = folder.lstat()
        if folder.is_symlink() or not folder.is_dir() or state.st_uid != os.getuid():
            return False
        with (folder / LOCK).open("r+b") as lock:
            return _takes(lock)
    except FileNotFoundError:
        return time.time() - state.st_mtime > UNLOCKED_FOR
    except OSError:
        return False


def _takes(lock: IO[bytes]) -> bool:
    """Take the lock until the file is closed; return False when another process holds it."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
