"""What others who use the same machine may read of a home: nothing, where the system knows owners of files."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.lake.storage.durable import make_folder, make_name_durable

OWNER_FOLDER, OWNER_FILE = 0o700, 0o600
OTHERS = 0o077
"""The rights of everybody but the owner."""

PRIVATE_MARKET = "portfolio"
"""Its tables say what a person holds."""


def make_private_folder(folder: Path) -> None:
    """Make `folder` for its owner alone. One that is there keeps the rights it has."""
    make_folder(folder.parent)
    if not folder.exists():
        folder.mkdir(mode=OWNER_FOLDER, exist_ok=True)
        make_name_durable(folder)


def write_private(file: Path, text: str) -> None:
    """Write `text` into `file`, which only its owner may read from the first byte on."""
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_FILE), "w") as opened:  # noqa: PTH123
        make_private([file])
        opened.write(text)


def keep_table_private(folder: Path | None) -> None:
    """Take the rights of others from the files of a table of `PRIVATE_MARKET`; other tables keep theirs."""
    if folder is not None and folder.parent.name == PRIVATE_MARKET:
        make_private(path for path in folder.rglob("*") if path.is_file())


def make_private(files: Iterable[Path]) -> None:
    """Take the rights of others from `files`; one that is removed meanwhile is no matter."""
    for file in files:
        if others_may_read(file):
            file.chmod(OWNER_FILE)


def others_may_read(path: Path) -> bool:
    """Return whether anybody but the owner has rights to `path`; False where there are no such rights."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & OTHERS)
    except FileNotFoundError:
        return False


def readable_by_others(home: Path, lake: Path | None, settings: Path) -> Iterator[Path]:
    """Yield what others may read of a home: itself, its settings, and what is held. `lake` is None for one on S3."""
    held = [lake / PRIVATE_MARKET] if lake is not None else []
    for place in (home, settings, *held):
        if others_may_read(place):
            yield place
