"""The Dagster instance of a home: where runs, events and schedules are kept, shared by the command line and the UI."""

import os
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.errors import PlaceFailed
from pipeline.lake.privacy import make_private_folder
from pipeline.lake.usable_paths import require_usable_records

if TYPE_CHECKING:
    from dagster import DagsterInstance


def instance_config(folder: str) -> dict[str, Any]:
    """Return the content of the `dagster.yaml` of an instance that keeps everything in `folder`."""
    return {
        "storage": {
            "custom": {"module": "pipeline.event_log", "class": "HomeStorage", "config": {"base_dir": folder}},
        },
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": folder},
        },
        # No asset prints: what is to be said of a step is among its events. To catch nothing, Dagster would start four
        # processes a run.
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        },
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        # Runs that lost their process are started again; a run that failed by its data is not.
        "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
        "run_monitoring": {"enabled": True, "start_timeout_seconds": 180, "max_runtime_seconds": 14400},
        # Polars keeps every core busy within one run, and one writer a table never conflicts with another.
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
    }


def dagster_home(home: Path) -> Path:
    """Return the folder of the instance: DAGSTER_HOME when the user set it, else `<home>/dagster`, made ready.

    Raises PlaceFailed when it cannot be written to, or a DAGSTER_HOME is not there; SettingsError when its path has
    signs that SQLite takes for something else.
    """
    chosen = os.environ.get("DAGSTER_HOME")
    if chosen:
        require_usable_records(Path(chosen).absolute())
    folder = Path(chosen) if chosen else home / "dagster"
    try:
        if not chosen:
            _make_ready(folder)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as failed:
        name = "DAGSTER_HOME" if chosen else "the home"
        raise PlaceFailed(
            f"Runs cannot be recorded in {folder}: {failed.strerror}. Nothing was run.",
            remedy=f"See that {name} is there, may be written to and has room.",
        ) from failed


def _make_ready(folder: Path) -> None:
    make_private_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    config = folder / "dagster.yaml"
    if not config.exists():
        incoming = folder / f".dagster.yaml-{token_hex(8)}"
        incoming.write_text(yaml.safe_dump(instance_config(str(folder)), sort_keys=False))
        incoming.replace(config)


def open_instance(home: Path) -> "DagsterInstance":
    """Return the Dagster instance of `home`. Raises as `dagster_home` does."""
    from dagster import DagsterInstance

    return DagsterInstance.from_config(str(dagster_home(home)))
