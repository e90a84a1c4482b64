"""Whether a catalog file names the tables at the lake's current place. It runs before commands, without DuckDB."""

from hashlib import sha256
from pathlib import Path


def mark_of(root: str) -> str:
    """Return the mark in a catalog of the lake at `root`."""
    return sha256(root.encode()).hexdigest()


def names_another_place(catalog: Path, root: str) -> bool:
    """Return whether there is a catalog file that was not made for a lake at `root`."""
    return catalog.exists() and mark_of(root).encode() not in catalog.read_bytes()
