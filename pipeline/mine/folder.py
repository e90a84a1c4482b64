"""The folder of the user's own declarations: its files, and whether they may run here.

The files are Python code. A home that came from elsewhere may bring some, so they run only once this user has allowed
the folder on this computer. That is noted outside the home, in the user's own configuration.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pipeline.errors import PlaceFailed, error_text
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
    def sha256(self) -> str:
        """Return the hash of its content, hex."""
        return sha256(self.content).hexdigest()


def files_in(folder: Path) -> tuple[MineFile, ...]:
    """Return the files of declarations in `folder`, by name; none when there is no such folder.

    Names that begin with `_` or `.` are left out, but other files may import them. Raises PlaceFailed when a file
    cannot be read.
    """
    try:
        paths = sorted(path for path in folder.glob("*.py") if not path.name.startswith(("_", ".")))
        return tuple(MineFile(path, path.read_bytes()) for path in paths)
    except OSError as failed:
        raise PlaceFailed(
            f"The folder of your own declarations cannot be read: {error_text(failed)}",
            remedy="Correct its permissions, or set CANDLELAKE_MINE to another folder.",
        ) from failed


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
    except (OSError, UnicodeDecodeError):  # nothing was allowed yet, or the record is no text: then nothing runs
        return ()


def _record() -> Path:
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(config).expanduser() / "candlelake" / "allowed_folders"
