"""What of a lake on a disk is not as it was written: raw files against their receipts, data files against the log."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from deltalake import DeltaTable

from pipeline.errors import TableDamaged
from pipeline.lake.raw_files import RECEIPT_SUFFIX
from pipeline.lake.tables import Lake


@dataclass(frozen=True)
class Damage:
    """One file that is not as it was written."""

    path: Path
    found: str
    """What is wrong with it, in words."""


def damaged_raw_files(lake: Path) -> Iterator[Damage]:
    """Yield every raw file, of each version kept, that does not hold the bytes of its receipt, and unread receipts.

    A file without a receipt is none that was taken in, and is passed over.
    """
    for receipt in sorted((Path(lake) / "raw").rglob(f"*{RECEIPT_SUFFIX}")):
        file = receipt.with_name(receipt.name.removesuffix(RECEIPT_SUFFIX))
        try:
            recorded = json.loads(receipt.read_bytes())["sha256"]
        except (ValueError, KeyError, TypeError):
            yield Damage(receipt, "the receipt cannot be read")
            continue
        if not file.is_file():
            yield Damage(file, "the file is missing")
        elif _sha256(file) != recorded:
            yield Damage(file, "the file does not hold the bytes of its receipt")


def damaged_data_files(lake: Lake, name: str) -> Iterator[Damage]:
    """Yield every data file of the newest version of the table `market/name` that is not what the log tells of.

    Existence, size, and the row count in the footer are compared. A change that keeps all three, such as a flipped bit
    in a page, is not found: the log has no hash of a file. A log that cannot be opened is itself the damage.
    """
    folder = Path(lake.uri_of(name))
    try:
        opened = lake.open_named(name)
    except TableDamaged as damaged:
        yield Damage(folder / "_delta_log", damaged.message)
        return
    for path, size, rows in _told(opened).iter_rows():
        found = _unlike(folder / path, size, rows)
        if found is not None:
            yield Damage(folder / path, found)


def damaged_commits(lake: Lake, name: str) -> Iterator[Damage]:
    """Yield every commit file of the table `market/name` that is missing between others, empty, or not JSON.

    delta-rs reads an emptied newest commit as if it had never been made. A newest commit that is gone leaves no gap,
    and is not found.
    """
    log = Path(lake.uri_of(name)) / "_delta_log"
    versions = {int(path.stem): path for path in log.glob("*.json") if path.stem.isdigit()}
    for version in range(min(versions, default=0), max(versions, default=-1) + 1):
        if version not in versions:
            yield Damage(log / f"{version:020}.json", "the commit file is missing")
        elif not _is_commit(versions[version]):
            yield Damage(versions[version], "the commit file is empty or cannot be read")


def _is_commit(path: Path) -> bool:
    lines = path.read_bytes().splitlines()
    try:
        return bool(lines) and all(isinstance(json.loads(line), dict) for line in lines)
    except ValueError:
        return False


def _told(opened: DeltaTable) -> pl.DataFrame:
    return pl.DataFrame(opened.get_add_actions()).select("path", "size_bytes", "num_records").sort("path")


def _unlike(file: Path, size: int, rows: int) -> str | None:
    if not file.is_file():
        return "the file is missing"
    if file.stat().st_size != size:
        return f"the file has {file.stat().st_size} bytes, its log tells of {size}"
    try:
        held = pl.scan_parquet(file).select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError):
        return "the file cannot be opened"
    return None if held == rows else f"the file has {held} rows, its log tells of {rows}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
