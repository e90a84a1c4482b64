"""A table's log as stored in the lake: its entries one by one, and the data files that they list.

This module reads the log itself, entry by entry: delta-rs takes an empty entry for one without changes, and reads a
checkpoint instead of the entries before it.
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
    """A data file that the log lists."""

    name: str
    """Relative to the table."""
    size: int
    rows: int | None
    """None when the log does not say."""
    first: date | None
    """First session with rows in it; None when the log does not say, or the table has no sessions."""
    last: date | None
    added_in: int
    """Version that added it."""
    removed_in: int | None = None
    """Version that replaced it; None while the newest one reads it."""


def entry_name(version: int) -> str:
    """Return the path of the entry of a version, relative to the table."""
    return f"{LOG}/{version:020}.json"


def checkpoint_name(version: int) -> str:
    """Return the path of the checkpoint that sums up the log to `version`, relative to the table."""
    return f"{LOG}/{version:020}.checkpoint.parquet"


def entry_version(name: str) -> int | None:
    """Return the version of the entry at `name`, None when it is not an entry."""
    match = _ENTRY.fullmatch(name)
    return int(match[1]) if match else None


def checkpoint_version(name: str) -> int | None:
    """Return the version that the checkpoint at `name` sums up, None when it is not a checkpoint."""
    match = _CHECKPOINT.fullmatch(name)
    return int(match[1]) if match else None


def is_version(name: str) -> bool:
    """Return whether the file `name`, relative to its table, is a log entry or a checkpoint."""
    return entry_version(name) is not None or checkpoint_version(name) is not None


def has_version(folder: Path) -> bool:
    """Return whether the table in `folder` has a version: a log with an entry or a checkpoint.

    A single broken first entry does not count: it is what a full disk or a power cut left of a first commit.
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
    """Return the actions of an entry. Raises ValueError when it has none: every entry has at least one."""
    actions = [from_json(line) for line in entry.decode().splitlines() if line.strip()]
    if not actions or not all(map(_is_action, actions)):
        raise ValueError("no actions")
    return actions


def _is_action(value: object) -> bool:
    """Return whether a value is an action: the parts that are read have the form of Delta's protocol."""
    if not isinstance(value, dict) or not value:
        return False
    add, remove = value.get("add", {"path": "", "size": 0}), value.get("remove", {"path": ""})
    return (
        isinstance(value.get("commitInfo", {}), dict)
        and all(isinstance(file, dict) and isinstance(file.get("path"), str) for file in (add, remove))
        and isinstance(add.get("size"), int)
    )


def added_by(actions: Iterable[Mapping[str, Any]], version: int) -> list[DataFile]:
    """Return the data files that an entry adds."""
    return [_data_file(action["add"], version) for action in actions if "add" in action]


def replayed(
    entries: Mapping[int, Iterable[Mapping[str, Any]]], base: tuple[int, Iterable[DataFile]] | None = None
) -> dict[str, DataFile]:
    """Return every data file in `entries` (actions by version), by name.

    `base` is a version and the files that it reads, where entries up to it are unknown: files of it that no entry
    added count as added in that version, and files that it does not read as removed by then.
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


def _reconciled(files: dict[str, DataFile], version: int, base: Iterable[DataFile]) -> dict[str, DataFile]:
    base_files = {file.name: file for file in base}
    merged = {
        name: file if name in base_files or file.removed_in is not None else replace(file, removed_in=version)
        for name, file in files.items()
    }
    return {name: file for name, file in base_files.items() if name not in merged} | merged


def _data_file(add: Mapping[str, Any], version: int) -> DataFile:
    statistics, partition = _statistics(add.get("stats")), add.get("partitionValues")
    first, last = (_session(statistics.get(bound)) for bound in ("minValues", "maxValues"))
    if first is None or last is None:
        first, last = _days(next(iter(partition.values()), None) if isinstance(partition, dict) else None)
    rows = statistics.get("numRecords")
    return DataFile(unquote(add["path"]), add["size"], rows if isinstance(rows, int) else None, first, last, version)


def _statistics(stats: object) -> dict[str, Any]:
    """Return the statistics of a file in an entry; empty when they are not in Delta's form."""
    try:
        statistics = from_json(stats) if isinstance(stats, str) else None
    except NotJson:
        return {}
    return statistics if isinstance(statistics, dict) else {}


def _session(values: object) -> date | None:
    session = values.get("session") if isinstance(values, dict) else None
    return _date(session[:10]) if isinstance(session, str) else None


def _days(partition: object) -> tuple[date | None, date | None]:
    """Return the first and the last day of a partition, which is named after a month or a day."""
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
