"""Making a table look as if it had been written long ago, and cleaning its log as any Delta program may."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from pipeline.lake.delta.fingerprints import Fingerprints
from pipeline.lake.delta.layout import LOG_KEPT
from pipeline.lake.delta.log_entries import HASHES
from pipeline.lake.lake import Lake
from pipeline.lake.storage.folder_objects import FolderObjects

DAY = 86_400
KEPT_BY_DELTA = 30
"""Days for which Delta keeps log entries by default."""


def log_of(lake: Lake, name: str) -> list[str]:
    """Return the names of a table's log entries, the oldest first."""
    return sorted(path.name for path in Path(lake.root, name, "_delta_log").glob("*.json"))


def rewritten(folder: Path, change: Callable[[dict[str, Any]], None], versions: Collection[int] | None = None) -> None:
    """Change each action of a table's log entries, in the log and in their records, and make its last checkpoint again.

    Earlier checkpoints go. Raises ValueError for a log whose beginning is gone: no checkpoint can be made from it.
    """
    log, hashes = folder / "_delta_log", folder / HASHES
    if not (log / f"{0:020}.json").exists():
        raise ValueError(f"{folder} has lost the beginning of its log")
    for entry in log.glob("*.json"):
        if versions is None or int(entry.stem) in versions:
            times = entry.stat()
            actions = [json.loads(line) for line in entry.read_text().splitlines()]
            for action in actions:
                change(action)
            entry.write_text("".join(f"{json.dumps(action)}\n" for action in actions))
            os.utime(entry, ns=(times.st_atime_ns, times.st_mtime_ns))
    checkpoints = sorted(log.glob("*.checkpoint.parquet"))
    for path in log.glob("*checkpoint*"):
        path.unlink()
    for path in checkpoints[-1:]:
        DeltaTable(folder, version=int(path.name[:20])).create_checkpoint()
    records = Fingerprints(FolderObjects(folder.parents[1]), f"{folder.parent.name}/{folder.name}")
    for version in records.versions():
        record = json.loads((hashes / f"{version:020}.json").read_text().splitlines()[0])
        record["entry"] = (log / f"{version:020}.json").read_text()
        before = log / f"{version - 1:020}.json"
        record["before"] = hashlib.sha256(before.read_bytes()).hexdigest() if version else None
        record["checkpoints"] = {}
        line = json.dumps(record, ensure_ascii=False).encode()
        (hashes / f"{version:020}.json").write_bytes(line + b"\n" + hashlib.sha256(line).hexdigest().encode() + b"\n")
    for path in checkpoints[-1:]:
        records.record_checkpoint(int(path.name[:20]))


def forget_properties(folder: Path) -> None:
    """Make a table one of the time before its log was kept."""

    def change(action: dict[str, Any]) -> None:
        for name in LOG_KEPT:
            action.get("metaData", {}).get("configuration", {}).pop(name, None)

    rewritten(folder, change)


def aged(folder: Path, *, days: float, versions: Collection[int] | None = None) -> None:
    """Make a table's commits and files older by this many days."""

    def change(action: dict[str, Any]) -> None:
        if "remove" in action:
            action["remove"]["deletionTimestamp"] -= int(days * DAY * 1000)
        if "commitInfo" in action:
            action["commitInfo"]["timestamp"] -= int(days * DAY * 1000)

    rewritten(folder, change, versions)
    for path in folder.rglob("*"):
        if versions is None or (path.suffix == ".json" and path.stem.isdecimal() and int(path.stem) in versions):
            then = path.stat().st_mtime - days * DAY
            os.utime(path, (then, then))


def removed_by_delta(folder: Path, how: str = "clean") -> None:
    """Do with a table what another Delta program may do: by default, each removes expired log entries.

    `clean` makes checkpoints first: one of the newest version, and one of the newest that has expired, up to which
    entries are removed.
    """
    if how == "clean" and (expired := _expired(folder)):
        DeltaTable(folder, version=expired[-1]).create_checkpoint()
    table = DeltaTable(folder)
    if how in {"checkpoint", "clean"}:
        table.create_checkpoint()
    if how == "clean":
        table.cleanup_metadata()
    if how == "write":
        for _ in range(12):
            table.alter.set_table_properties({"delta.appendOnly": "false"})


def _expired(folder: Path) -> list[int]:
    """Return the versions that are older than Delta keeps entries by default."""
    before = time.time() - KEPT_BY_DELTA * DAY
    entries = sorted((folder / "_delta_log").glob("*.json"))
    return [int(entry.stem) for entry in entries if entry.stem.isdecimal() and entry.stat().st_mtime < before]
