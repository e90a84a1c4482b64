"""The Dagster instance of a home: it stores runs, events and schedules, shared by the command line and the UI."""

import os
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from pipeline.errors import PlaceFailed
from pipeline.lake.storage.privacy import make_private_folder
from pipeline.lake.storage.usable_paths import require_usable_records
from pipeline.orchestration.instance_file import FILE, instance_config, renew, write_instance_file

if TYPE_CHECKING:
    from dagster import DagsterInstance


def dagster_home(home: Path) -> Path:
    """Return the folder of the instance, ready for use: DAGSTER_HOME when the user set it, else `<home>/dagster`.

    Raises PlaceFailed when it is not writable, or DAGSTER_HOME does not exist; SettingsError when its path has
    characters that SQLite interprets, or as `renew` does.
    """
    chosen = os.environ.get("DAGSTER_HOME")
    folder = Path(chosen).expanduser().absolute() if chosen else home / "dagster"
    if chosen:
        require_usable_records(folder)
    try:
        if not chosen:
            _make_ready(folder)
        renew(folder)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as failed:
        name = "DAGSTER_HOME" if chosen else "the home"
        raise PlaceFailed(
            f"Runs cannot be recorded in {folder}: {failed.strerror}. Nothing was run.",
            remedy=f"Check that {name} exists, is writable and has room.",
        ) from failed


def _make_ready(folder: Path) -> None:
    make_private_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    if not (folder / FILE).exists():
        write_instance_file(folder, instance_config())


def open_instance(home: Path) -> "DagsterInstance":
    """Return the Dagster instance of `home`. Raises as `dagster_home` does."""
    from dagster import DagsterInstance

    return DagsterInstance.from_config(str(dagster_home(home)))
