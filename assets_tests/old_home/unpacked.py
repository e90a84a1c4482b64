"""The old home unpacked into a folder: as if it had been moved there, or as if it had been made there."""

import tarfile
from hashlib import sha256
from pathlib import Path

ARCHIVE = Path(__file__).with_name("home.tar.xz")

MADE_IN = "/home/trader/data"
"""Where the home lay when it was made."""

CALLED_IN_FULL = ("dagster/dagster.yaml", "settings.env")
"""What named that place for good; the catalog does as well, and is made by every run."""


def moved_into(folder: Path) -> Path:
    """Return the home, which names a place that no longer exists."""
    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(folder, filter="tar")
    return folder / "home"


def made_in(folder: Path) -> Path:
    """Return the home as it would be, had it been made there."""
    home = moved_into(folder)
    for name in CALLED_IN_FULL:
        (home / name).write_text((home / name).read_text().replace(MADE_IN, str(home)))
    return home


def content(home: Path) -> dict[str, str]:
    """Return the hash of every file of a home, by its name there."""
    files = (path for path in sorted(home.rglob("*")) if path.is_file())
    return {str(path.relative_to(home)): sha256(path.read_bytes()).hexdigest() for path in files}
