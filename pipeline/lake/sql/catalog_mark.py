"""Whether a catalog file names the tables of a lake where it lies now. Asked before commands: DuckDB is not loaded."""

from hashlib import sha256
from pathlib import Path


def mark_of(root: str) -> str:
    """Return the mark that a catalog of the lake at `root` has in it."""
    return sha256(root.encode()).hexdigest()


def names_another_place(catalog: Path, root: str) -> bool:
    """Return whether there is a catalog file, and it was not made for a lake at `root`."""
    return catalog.exists() and mark_of(root).encode() not in catalog.read_bytes()
