"""Making a table look as if it had been written long ago, and cleaning its log as any Delta program may."""

import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from pipeline.lake.fingerprints import Fingerprints
from pipeline.lake.folder_objects import FolderObjects
from pipeline.lake.layout import LOG_KEPT
from pipeline.lake.tables import Lake

DAY = 86_400


def log_of(lake: Lake, name: str) -> list[str]:
    """Return the names of a table's log entries, the oldest first."""
    return sorted(path.name for path in Path(lake.root, name, "_delta_log").glob("*.json"))


def rewritten(folder: Path, change: Callable[[dict[str, Any]], None], versions: Collection[int] | None = None) -> None:
    """Change each action of each log entry of a table; make its checkpoints and records from the entries as they are
    then."""
    log = folder / "_delta_log"
    for entry in sorted(log.glob("*.json")):
        if versions is not None and int(entry.stem) not in versions:
            continue
        times = entry.stat()
        actions = [json.loads(line) for line in entry.read_text().splitlines()]
        for action in actions:
            change(action)
        entry.write_text("".join(f"{json.dumps(action)}\n" for action in actions))
        os.utime(entry, ns=(times.st_atime_ns, times.st_mtime_ns))
    checkpoints = sorted(log.glob("*.checkpoint.parquet"))
    if not (log / f"{0:020}.json").exists():
        raise ValueError("without its first entries, no checkpoint can be made anew")
    for path in log.glob("*checkpoint*"):
        path.unlink()
    for path in checkpoints:
        DeltaTable(folder, version=int(path.name[:20])).create_checkpoint()
    records = Fingerprints(FolderObjects(folder.parents[1]), f"{folder.parent.name}/{folder.name}")
    for version in records.versions():
        records.record_anew(version)


def forget_properties(folder: Path) -> None:
    """Make a table one of the time before its log was kept."""

    def change(action: dict[str, Any]) -> None:
        for told in LOG_KEPT:
            action.get("metaData", {}).get("configuration", {}).pop(told, None)

    rewritten(folder, change)


def aged(folder: Path, *, days: float, versions: Collection[int] | None = None) -> None:
    """Make a table's commits and files older by so many days."""

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
    """Do with a table what another Delta program may do, each of which removes expired log entries unless told not to.

    `clean` makes a checkpoint first, so that there is one after the entries.
    """
    table = DeltaTable(folder)
    if how in {"checkpoint", "clean"}:
        table.create_checkpoint()
    if how == "clean":
        table.cleanup_metadata()
    if how == "write":
        for _ in range(12):
            table.alter.set_table_properties({"delta.appendOnly": "false"})
