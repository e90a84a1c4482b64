"""Keeps a home private: other users of the machine may read nothing, where the system has file owners."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.lake.storage.durable import make_folder, make_name_durable, whole_file

OWNER_FOLDER, OWNER_FILE = 0o700, 0o600
OTHERS = 0o077
"""The permissions of everybody but the owner."""

PRIVATE_MARKET = "portfolio"
"""The market with the tables of the user's positions."""


def make_private_folder(folder: Path) -> None:
    """Make `folder` for its owner only. An existing folder keeps its permissions."""
    make_folder(folder.parent)
    if not folder.exists():
        folder.mkdir(mode=OWNER_FOLDER, exist_ok=True)
        make_name_durable(folder)


def write_private(file: Path, text: str) -> None:
    """Write `text` into `file`, which only its owner may read from the first byte on.

    A full disk or a power cut leaves the file as it was before, or with the whole text.
    """
    with whole_file(file, OWNER_FILE) as opened:
        opened.write(text.encode())


def keep_table_private(folder: Path | None) -> None:
    """Remove the permissions of others from the files of a table of `PRIVATE_MARKET`; other tables keep theirs."""
    if folder is not None and folder.parent.name == PRIVATE_MARKET:
        make_private(path for path in folder.rglob("*") if path.is_file())


def make_private(files: Iterable[Path]) -> None:
    """Remove the permissions of others from `files`; a file that disappears meanwhile does not matter."""
    for file in files:
        if others_may_read(file):
            file.chmod(OWNER_FILE)


def others_may_read(path: Path) -> bool:
    """Return whether anybody but the owner has permissions on `path`; False where there are no permissions."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & OTHERS)
    except FileNotFoundError:
        return False


def readable_by_others(home: Path, lake: Path | None, settings: Path) -> Iterator[Path]:
    """Yield what others may read of a home: itself, its settings, and the positions. `lake` is None for one on S3."""
    portfolio = [lake / PRIVATE_MARKET] if lake is not None else []
    for place in (home, settings, *portfolio):
        if others_may_read(place):
            yield place
