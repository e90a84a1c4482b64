"""Harming the files of a filled home at random, and what its tables and raw files hold before and after."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from assets_tests.cli.conftest import Answer
from assets_tests.stocks import EVERY_TABLE
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake

NOT_COMPARED = ("run_id", "first_seen", "last_seen")
"""Columns about the run that wrote a row."""


def content(place: Path) -> dict[str, pl.DataFrame]:
    """Return the rows of every table."""
    lake = Lake(place / "lake")
    return {table.sql_name: rows(lake, table) for table in EVERY_TABLE if lake.exists(table)}


def rows(lake: Lake, table: Table) -> pl.DataFrame:
    return lake.scan(table).sort(table.key).collect().drop(NOT_COMPARED, strict=False)


def raw(place: Path) -> dict[str, bytes]:
    """Return every file of the vendor, and every receipt."""
    folder = place / "lake/raw"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def live(place: Path, table: str) -> list[Path]:
    """Return the data files of a table's newest version."""
    lake = Lake(place / "lake")
    paths = pl.DataFrame(lake.open_named(table).get_add_actions())["path"]
    return sorted(Path(lake.root, table, path) for path in paths)


def newest_entry(place: Path, table: str) -> Path:
    return max((place / "lake" / table / "_delta_log").glob("*.json"))


def flip(path: Path, drawn: np.random.Generator) -> None:
    data = bytearray(path.read_bytes())
    data[int(drawn.integers(len(data)))] ^= 1 << int(drawn.integers(8))
    path.write_bytes(data)


HARMS: tuple[Callable[[Path, np.random.Generator], object], ...] = (
    flip,
    lambda path, _: path.unlink(),
    lambda path, _: path.write_bytes(b""),
    lambda path, drawn: path.write_bytes(path.read_bytes()[: int(drawn.integers(path.stat().st_size))]),
)


def harm(path: Path, drawn: np.random.Generator) -> Path:
    HARMS[int(drawn.integers(len(HARMS)))](path, drawn)
    return path


def chosen(paths: list[Path], drawn: np.random.Generator) -> Path:
    return paths[int(drawn.integers(len(paths)))]


def require_done(answer: Answer) -> None:
    assert answer.code == 0, answer.data + answer.words


def copied(home: Path, copy: Path) -> Path:
    """Return a copy of a filled home, with lake and settings, that a test may harm; the sample stays where it is."""
    copy.mkdir()
    shutil.copytree(home / "lake", copy / "lake")
    settings = (home / "settings.env").read_text()
    (copy / "settings.env").write_text(settings.replace("=sample", f"={home}/sample"))
    return copy
