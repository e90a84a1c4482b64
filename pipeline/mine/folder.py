"""The folder of the user's own declarations: its files, and whether they may run here.

The files are Python code. A home that came from elsewhere may bring some, so they run only once this user has allowed
the folder on this computer. That is noted outside the home, in the user's own configuration.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pipeline.errors import PlaceFailed
from pipeline.lake.storage.privacy import make_private_folder, write_private


@dataclass(frozen=True)
class MineFile:
    """One file of declarations, as it was read."""

    path: Path
    content: bytes

    @property
    def name(self) -> str:
        """Return its name, such as `breakout.py`."""
        return self.path.name

    @property
    def is_helper(self) -> bool:
        """Return whether it declares nothing itself."""
        return self.name.startswith("_")

    @property
    def sha256(self) -> str:
        """Return the hash of its content, hex."""
        return sha256(self.content).hexdigest()


LARGEST = 1 << 20
"""Largest file accepted, bytes."""


def names_in(folder: Path) -> list[str]:
    """Return the names of all Python files in `folder`, in order; nothing is opened."""
    return sorted(path.name for path in folder.glob("*.py") if not path.name.startswith("."))


def files_in(folder: Path) -> tuple[MineFile, ...]:
    """Return the Python files in `folder`, by name; none when there is no such folder.

    A file whose name begins with `_` declares nothing itself, but others may import it. Raises PlaceFailed when a file
    cannot be read, is not a regular file, or is too large.
    """
    return tuple(_read(folder / name) for name in names_in(folder))


def _read(path: Path) -> MineFile:
    try:
        if not path.is_file():
            fault = "is not a file" if path.exists() else "leads nowhere"
        elif path.stat().st_size > LARGEST:
            fault = f"is larger than {LARGEST:,} bytes"
        else:
            return MineFile(path, path.read_bytes())
    except OSError as failed:
        fault = f"cannot be read: {failed.strerror}"
    raise PlaceFailed(f"{path} {fault}.", remedy="Correct it, or move it out of the folder.")


def is_allowed(folder: Path) -> bool:
    """Return whether this user has allowed the code in `folder` on this computer."""
    return str(folder.resolve()) in _allowed()


def allow(folder: Path) -> None:
    """Note that the code in `folder` may run. Raises OSError when that cannot be written."""
    file = _record()
    make_private_folder(file.parent)
    write_private(file, "".join(f"{line}\n" for line in sorted({*_allowed(), str(folder.resolve())})))


def _allowed() -> Sequence[str]:
    try:
        return _record().read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):  # nothing was allowed yet, or the record is not text: then nothing runs
        return ()


def _record() -> Path:
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(config).expanduser() / "candlelake" / "allowed_folders"
