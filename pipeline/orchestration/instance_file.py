"""The `dagster.yaml` of a home: its content, and the update of a file from an older version.

It contains no absolute path, so that a home can be moved, copied or mounted elsewhere. Older versions wrote the
absolute path of the run storage into it: a copy would store its runs in the original.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

import yaml

from pipeline.errors import SettingsError

LOG = logging.getLogger(__name__)

FILE = "dagster.yaml"

STORAGE_MODULE = "pipeline.orchestration.patches.event_log"
"""The module of the class that stores runs."""

EARLIER_MODULES = ("pipeline.event_log",)
"""Its earlier modules. Dagster's own programs read the file before our code runs: each must stay importable."""

STORAGE_CLASS = "HomeStorage"

BESIDE_THE_FILE = "."
"""The folder of the run storage, as the file names it: the file's own folder, wherever that is."""

RECORDS = Path("history", "runs.db")
"""The file that exists once a run was recorded, relative to the folder of the run storage."""

MOVED_FROM = "CANDLELAKE_MOVED_FROM"
"""Variable of a process and its children: the folder that the home at DAGSTER_HOME was moved away from."""

Content = Mapping[str, Any]


def instance_config() -> dict[str, Any]:
    """Return the content of the `dagster.yaml` of a home, which stores everything in the folder of that file."""
    return {
        "storage": _storage_in(BESIDE_THE_FILE),
        # No asset prints: everything about a step is in its events. To capture nothing, Dagster would start four
        # processes a run.
        "compute_logs": _NO_LOGS,
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        # Runs that lost their process start again; a run that failed because of its data does not.
        "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
        "run_monitoring": {"enabled": True, "start_timeout_seconds": 180, "max_runtime_seconds": 14400},
        # Polars keeps every core busy within one run, and a single writer per table never conflicts.
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
    }


_NO_LOGS = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}


def write_instance_file(folder: Path, content: Content) -> None:
    """Write `content` to the `dagster.yaml` of `folder`, in one atomic step."""
    incoming = folder / f".{FILE}-{token_hex(8)}"
    incoming.write_text(yaml.safe_dump(dict(content), sort_keys=False))
    incoming.replace(folder / FILE)


def renew(folder: Path) -> str | None:
    """Update the `dagster.yaml` of `folder` if an older version wrote it, and return where the home was before.

    None when the home was not moved, or the user chose where runs are stored; other changes of the user stay. Raises
    SettingsError when the home was moved and writing the file would lose some of its content, such as comments.
    """
    file = folder / FILE
    text = file.read_text() if _is_there(file) else ""
    content = _content_of(text)
    place = _place_in(content)
    if place is None or not _is_ours(place, folder):
        return None
    moved_from = place if _is_elsewhere(place, folder) else None
    renewed = _renewed(content, place)
    if renewed == content:
        return None
    if text in {yaml.safe_dump(content, sort_keys=False), yaml.safe_dump(content)}:
        write_instance_file(folder, renewed)
        if moved_from is not None:
            LOG.warning("Runs were kept in %s, before this home was moved or copied; now they are kept in it.", place)
    elif moved_from is not None:
        raise SettingsError(
            f"{file} keeps the record of runs in {place}, where this home no longer is. Nothing was run.",
            remedy=f"Write `base_dir: {BESIDE_THE_FILE}` under `storage` there, and remove `local_artifact_storage`.",
        )
    return moved_from


def place_in_force(base_dir: str) -> str:
    """Return the folder of the run storage when a `dagster.yaml` says `base_dir`. Raises as `renew` does.

    It differs from `base_dir` only where DAGSTER_HOME is a home of an older version that was moved away from there:
    Dagster's own programs read that file before our code runs, and pass its content on to the programs they start.
    """
    chosen = os.environ.get("DAGSTER_HOME")
    if not chosen:
        return base_dir
    folder = Path(chosen).expanduser()
    if (place := renew(folder)) is not None:
        os.environ[MOVED_FROM] = place
    return str(folder) if base_dir == os.environ.get(MOVED_FROM) else base_dir


def seen_from(folder: Path, base_dir: str) -> Path:
    """Return the absolute path of the `base_dir` in the `dagster.yaml` of `folder`.

    Raises SettingsError when it is relative and there is no such file.
    """
    if Path(base_dir).is_absolute():
        return Path(base_dir)
    if not _is_there(folder / FILE):
        raise SettingsError(
            f"Runs are stored in {base_dir}, relative to the folder of a {FILE}; but there is none in {folder}.",
            remedy=f"Set DAGSTER_HOME to the folder of the {FILE}, or write the whole path there.",
        )
    return Path(os.path.normpath(folder / base_dir))


def _content_of(text: str) -> dict[str, Any]:
    """Return the content of a file; empty when it is not a mapping: Dagster has a better message for that."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return content if isinstance(content, dict) else {}


def _place_in(content: Content) -> str | None:
    """Return where a file stores everything, if one of our versions wrote that; None if the user did."""
    match content.get("storage"):
        case {"custom": {"module": module, "class": kind, "config": {"base_dir": str(place)}}}:
            is_known = module in {*EARLIER_MODULES, STORAGE_MODULE} and kind == STORAGE_CLASS
        case {"sqlite": {"base_dir": str(place)}}:
            is_known = content.get("compute_logs") == _logs_in(place)
        case _:
            return None
    is_one_place = content.get("local_artifact_storage") in (None, _artifacts_in(place))
    is_ours = place == BESIDE_THE_FILE or (Path(place).is_absolute() and is_one_place)
    return place if is_known and is_ours else None


def _is_ours(place: str, folder: Path) -> bool:
    """Return whether the run storage at `place` is that of the home of `folder`, as it was when we wrote the file.

    It is not when the user chose another place: then there are runs and no home, or there are no runs here.
    """
    if not _is_elsewhere(place, folder):
        return True
    is_chosen = _is_there(Path(place, RECORDS)) and not _is_there(Path(place, FILE))
    return _is_there(folder / RECORDS) and not is_chosen


def _is_elsewhere(place: str, folder: Path) -> bool:
    """Return whether `place` is another folder than `folder`, whatever paths name them."""
    try:
        return not (folder / place).samefile(folder)
    except OSError:
        return True


def _is_there(path: Path) -> bool:
    """Return whether `path` exists and we may see it: the folder of another user does not count."""
    return os.path.exists(path)  # noqa: PTH110 (Path.exists raises where access is denied)


def _renewed(content: Content, place: str) -> dict[str, Any]:
    """Return the content of a file with everything stored beside it; entries without places stay."""
    renewed = {**content, "storage": _storage_in(BESIDE_THE_FILE)}
    if content.get("local_artifact_storage") == _artifacts_in(place):
        del renewed["local_artifact_storage"]
    if content.get("compute_logs") == _logs_in(place):
        renewed["compute_logs"] = _NO_LOGS
    return renewed


def _storage_in(place: str) -> dict[str, Any]:
    return {"custom": {"module": STORAGE_MODULE, "class": STORAGE_CLASS, "config": {"base_dir": place}}}


def _artifacts_in(place: str) -> dict[str, Any]:
    return {"module": "dagster._core.storage.root", "class": "LocalArtifactStorage", "config": {"base_dir": place}}


def _logs_in(place: str) -> dict[str, Any]:
    return {
        "module": "dagster._core.storage.local_compute_log_manager",
        "class": "LocalComputeLogManager",
        "config": {"base_dir": f"{place}/compute_logs"},
    }
