"""The `dagster.yaml` of a home: what it says, and how one that an older version wrote is brought up to date.

It names no folder of this machine, so that a home can be moved, copied or mounted elsewhere. Older versions wrote the
whole path of the record of runs into it: a copy would keep its runs in the original.
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
"""Where the class lies that keeps the record of runs."""

EARLIER_MODULES = ("pipeline.event_log",)
"""Where it lay before. Dagster's own programs read the file before anything of ours: each must stay importable."""

STORAGE_CLASS = "HomeStorage"

BESIDE_THE_FILE = "."
"""The folder of the record of runs, as the file names it: the one that it lies in itself, wherever that is."""

RECORDS = Path("history", "runs.db")
"""What is there once a run was recorded, seen from the folder of the record."""

MOVED_FROM = "CANDLELAKE_MOVED_FROM"
"""Variable of a process, and of those it starts, with the place that the home at DAGSTER_HOME was moved away from."""

Content = Mapping[str, Any]


def instance_config() -> dict[str, Any]:
    """Return the content of the `dagster.yaml` of a home, which keeps everything in the folder of that file."""
    return {
        "storage": _storage_in(BESIDE_THE_FILE),
        # No asset prints: what is to be said of a step is among its events. To catch nothing, Dagster would start four
        # processes a run.
        "compute_logs": _NO_LOGS,
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        # Runs that lost their process are started again; a run that failed by its data is not.
        "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
        "run_monitoring": {"enabled": True, "start_timeout_seconds": 180, "max_runtime_seconds": 14400},
        # Polars keeps every core busy within one run, and one writer a table never conflicts with another.
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
    }


_NO_LOGS = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}


def write_instance_file(folder: Path, content: Content) -> None:
    """Write `content` into the `dagster.yaml` of `folder`, which appears whole."""
    incoming = folder / f".{FILE}-{token_hex(8)}"
    incoming.write_text(yaml.safe_dump(dict(content), sort_keys=False))
    incoming.replace(folder / FILE)


def renew(folder: Path) -> str | None:
    """Bring the `dagster.yaml` of `folder` up to date if an older version wrote it, and return where the home was.

    None when the home was not moved, or the user chose where its runs are kept; what else he changed stays. Raises
    SettingsError when the home was moved and the file cannot be written without losing what is in it, such as comments.
    """
    file = folder / FILE
    text = file.read_text() if _is_there(file) else ""
    said = _parsed(text)
    place = _place_in(said)
    if place is None or not _is_ours(place, folder):
        return None
    moved_from = place if _is_elsewhere(place, folder) else None
    renewed = _renewed(said, place)
    if renewed == said:
        return None
    if text in {yaml.safe_dump(said, sort_keys=False), yaml.safe_dump(said)}:
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
    """Return where runs are to be kept when a `dagster.yaml` that was read says `base_dir`. Raises as `renew` does.

    Another place only where DAGSTER_HOME is a home of an older version that was moved away from `base_dir`: Dagster's
    own programs have read that file before anything of ours runs, and hand what it said to those that they start.
    """
    chosen = os.environ.get("DAGSTER_HOME")
    if not chosen:
        return base_dir
    folder = Path(chosen).expanduser()
    if (place := renew(folder)) is not None:
        os.environ[MOVED_FROM] = place
    return str(folder) if base_dir == os.environ.get(MOVED_FROM) else base_dir


def seen_from(folder: Path, base_dir: str) -> Path:
    """Return `base_dir` as the `dagster.yaml` in `folder` means it.

    Raises SettingsError when it is relative and there is no such file.
    """
    if Path(base_dir).is_absolute():
        return Path(base_dir)
    if not _is_there(folder / FILE):
        raise SettingsError(
            f"Runs are to be kept in {base_dir}, seen from the folder of a {FILE}; but there is none in {folder}.",
            remedy=f"Set DAGSTER_HOME to the folder of the {FILE}, or write the whole path there.",
        )
    return Path(os.path.normpath(folder / base_dir))


def _parsed(text: str) -> dict[str, Any]:
    """Return what a file says; nothing when it is no mapping: Dagster says so better."""
    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return said if isinstance(said, dict) else {}


def _place_in(said: Content) -> str | None:
    """Return where a file keeps everything, as we have written it in one version or other; None if the user did."""
    match said.get("storage"):
        case {"custom": {"module": module, "class": kind, "config": {"base_dir": str(place)}}}:
            is_known = module in {*EARLIER_MODULES, STORAGE_MODULE} and kind == STORAGE_CLASS
        case {"sqlite": {"base_dir": str(place)}}:
            is_known = said.get("compute_logs") == _logs_in(place)
        case _:
            return None
    is_one_place = said.get("local_artifact_storage") in (None, _artifacts_in(place))
    is_ours = place == BESIDE_THE_FILE or (Path(place).is_absolute() and is_one_place)
    return place if is_known and is_ours else None


def _is_ours(place: str, folder: Path) -> bool:
    """Return whether the record at `place` is that of the home that `folder` is in, as it was when we wrote the file.

    It is not where the user has chosen another place: a record is there and no home, or none is here.
    """
    if not _is_elsewhere(place, folder):
        return True
    is_chosen = _is_there(Path(place, RECORDS)) and not _is_there(Path(place, FILE))
    return _is_there(folder / RECORDS) and not is_chosen


def _is_elsewhere(place: str, folder: Path) -> bool:
    """Return whether `place` is another folder than `folder`, by whatever path either is named."""
    try:
        return not (folder / place).samefile(folder)
    except OSError:
        return True


def _is_there(path: Path) -> bool:
    """Return whether there is something at `path` that we may see: a folder of someone else's is none to us."""
    return os.path.exists(path)  # noqa: PTH110 (that of Path raises where we may not look)


def _renewed(said: Content, place: str) -> dict[str, Any]:
    """Return what a file says with everything kept beside it; what does not tell of places stays."""
    renewed = {**said, "storage": _storage_in(BESIDE_THE_FILE)}
    if said.get("local_artifact_storage") == _artifacts_in(place):
        del renewed["local_artifact_storage"]
    if said.get("compute_logs") == _logs_in(place):
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
