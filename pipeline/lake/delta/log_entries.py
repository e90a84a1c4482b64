"""A table's log as it lies in the lake: its entries one by one, and the data files that they tell of.

Read here by ourselves, entry by entry: delta-rs takes an emptied entry for one without changes, and reads a checkpoint
in place of the entries before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pipeline.contracts.foreign_json import NotJson, from_json

LOG = "_delta_log"
HASHES = "_hashes"
"""Folder of a table with our own record of each commit."""

LAST_CHECKPOINT = f"{LOG}/_last_checkpoint"

_ENTRY = re.compile(rf"{LOG}/(\d{{20}})\.json")
_CHECKPOINT = re.compile(rf"{LOG}/(\d{{20}})\.checkpoint.*\.parquet")


@dataclass(frozen=True)
class DataFile:
    """A data file that the log tells of."""

    name: str
    """Relative to the table."""
    size: int
    rows: int | None
    """None when the log does not tell."""
    first: date | None
    """First session with rows in it; None when the log does not tell, or the table has no sessions."""
    last: date | None
    added_in: int
    """Version that brought it."""
    removed_in: int | None = None
    """Version that replaced it; None while the newest one reads it."""


def entry_name(version: int) -> str:
    """Return where the entry of a version lies, relative to the table."""
    return f"{LOG}/{version:020}.json"


def checkpoint_name(version: int) -> str:
    """Return where the checkpoint that sums up the log to `version` lies, relative to the table."""
    return f"{LOG}/{version:020}.checkpoint.parquet"


def entry_version(name: str) -> int | None:
    """Return the version whose entry lies at `name`, None when it is no entry."""
    found = _ENTRY.fullmatch(name)
    return int(found[1]) if found else None


def checkpoint_version(name: str) -> int | None:
    """Return the version that the checkpoint at `name` sums up, None when it is none."""
    found = _CHECKPOINT.fullmatch(name)
    return int(found[1]) if found else None


def is_version(name: str) -> bool:
    """Return whether the file `name`, relative to its table, is a log entry or a checkpoint."""
    return entry_version(name) is not None or checkpoint_version(name) is not None


def has_version(folder: Path) -> bool:
    """Return whether the table in `folder` has a version: a log with an entry or a checkpoint.

    A first entry that is alone and broken is none: what a full disk or a power cut left of a first commit.
    """
    try:
        names = [f"{LOG}/{path.name}" for path in (folder / LOG).iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return False
    versions = [name for name in names if is_version(name)]
    if versions != [entry_name(0)]:
        return bool(versions)
    try:
        return bool(actions_of((folder / entry_name(0)).read_bytes())) or any_record(folder)
    except (FileNotFoundError, ValueError):
        return any_record(folder)


def any_record(folder: Path) -> bool:
    """Return whether there is a record of any commit to the table in `folder`."""
    return any((folder / HASHES).glob("*.json"))


def actions_of(entry: bytes) -> list[dict[str, Any]]:
    """Return the actions of an entry. Raises ValueError when it is none: every entry has at least one."""
    actions = [from_json(line) for line in entry.decode().splitlines() if line.strip()]
    if not actions or not all(map(_is_action, actions)):
        raise ValueError("no actions")
    return actions


def _is_action(told: object) -> bool:
    """Return whether something is an action: what is read of it has the form that Delta says."""
    if not isinstance(told, dict) or not told:
        return False
    add, remove = told.get("add", {"path": "", "size": 0}), told.get("remove", {"path": ""})
    return (
        isinstance(told.get("commitInfo", {}), dict)
        and all(isinstance(file, dict) and isinstance(file.get("path"), str) for file in (add, remove))
        and isinstance(add.get("size"), int)
    )


def added_by(actions: Iterable[Mapping[str, Any]], version: int) -> list[DataFile]:
    """Return the data files that an entry brings."""
    return [_data_file(action["add"], version) for action in actions if "add" in action]


def replayed(
    entries: Mapping[int, Iterable[Mapping[str, Any]]], base: tuple[int, Iterable[DataFile]] | None = None
) -> dict[str, DataFile]:
    """Return every data file that `entries`, actions by version, tell of, by name.

    `base` is a version and the files that it reads, where entries up to it are not known: what of it no entry brought
    counts as added in that version, and what it does not read as removed by then.
    """
    files: dict[str, DataFile] = {}
    for version in sorted({*entries, *([base[0]] if base else [])}):
        actions = entries.get(version, ())
        for action in actions:
            if "remove" in action:
                name = unquote(action["remove"]["path"])
                if name in files:
                    files[name] = replace(files[name], removed_in=version)
        files |= {file.name: file for file in added_by(actions, version)}
        if base and version == base[0]:
            files = _reconciled(files, *base)
    return files


def _reconciled(files: dict[str, DataFile], version: int, read: Iterable[DataFile]) -> dict[str, DataFile]:
    named = {file.name: file for file in read}
    known = {
        name: file if name in named or file.removed_in is not None else replace(file, removed_in=version)
        for name, file in files.items()
    }
    return {name: file for name, file in named.items() if name not in known} | known


def _data_file(add: Mapping[str, Any], version: int) -> DataFile:
    told, partition = _statistics(add.get("stats")), add.get("partitionValues")
    first, last = (_session(told.get(bound)) for bound in ("minValues", "maxValues"))
    if first is None or last is None:
        first, last = _days(next(iter(partition.values()), None) if isinstance(partition, dict) else None)
    rows = told.get("numRecords")
    return DataFile(unquote(add["path"]), add["size"], rows if isinstance(rows, int) else None, first, last, version)


def _statistics(stats: object) -> dict[str, Any]:
    """Return what an entry says of the values in a file; nothing where it says it in another form than Delta's."""
    try:
        told = from_json(stats) if isinstance(stats, str) else None
    except NotJson:
        return {}
    return told if isinstance(told, dict) else {}


def _session(values: object) -> date | None:
    told = values.get("session") if isinstance(values, dict) else None
    return _date(told[:10]) if isinstance(told, str) else None


def _days(partition: object) -> tuple[date | None, date | None]:
    """Return the first and the last day of a partition, which is named for a month or a day."""
    if not isinstance(partition, str):
        return None, None
    if len(partition) > len("2024-01"):
        return _date(partition), _date(partition)
    first = _date(f"{partition}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1) if first else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
