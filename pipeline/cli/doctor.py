"""`candlelake doctor`: whether everything the pipeline needs is in order, and how to fix what is not."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pipeline.cli.catalog import keep_catalog_here
from pipeline.cli.terminal import count_text, one_line, out
from pipeline.errors import CandlelakeError, SettingsError

if TYPE_CHECKING:
    from pipeline.settings import Settings

LEAST_FREE_BYTES = 2 * 10**9
"""Five years of every table take about this much."""


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    subject: str
    is_well: bool
    words: str
    """What was found, with the remedy when it is not well."""


def doctor() -> None:
    """Check settings, access and disk, and say how to fix each."""
    is_well = True
    for finding in examine():
        is_well = is_well and finding.is_well
        show(finding)
    if not is_well:
        raise typer.Exit(1)


def show(finding: Finding) -> None:
    """Write one finding to stdout, as soon as it is known."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=4)
    grid.add_column(width=10)
    grid.add_column(overflow="fold")
    mark = Text("ok", style="green") if finding.is_well else Text("FAIL", style="bold red")
    grid.add_row(mark, finding.subject, one_line(finding.words))
    out().print(grid)


def examine() -> Iterator[Finding]:
    """Yield the finding for each part of the installation; all but the first need readable settings."""
    from pipeline.settings import load_settings

    try:
        settings = load_settings()
    except CandlelakeError as unreadable:
        yield Finding("settings", is_well=False, words=str(unreadable))
        return
    keep_catalog_here(settings)
    for subject, look in LOOKS.items():
        yield finding_of(subject, look, settings)


def finding_of(subject: str, look: Callable[["Settings"], str], settings: "Settings") -> Finding:
    """Return the finding of one check; an error is a finding, too, and never ends the examination."""
    try:
        return Finding(subject, is_well=True, words=look(settings))
    except CandlelakeError as ill:
        return Finding(subject, is_well=False, words=str(ill))
    except Exception as unknown:
        return Finding(subject, is_well=False, words=f"{type(unknown).__name__}: {unknown}")


def _settings(settings: "Settings") -> str:
    from pipeline.orchestration.partitions import session_partitions
    from pipeline.venues.us_stocks import US_STOCKS

    session_partitions(US_STOCKS, settings.start, settings.end)
    until = f"to {settings.end}" if settings.end else "on"
    return f"python {sys.version.split()[0]}, home {settings.home}, sessions from {settings.start} {until}"


def _disk(settings: "Settings") -> str:
    return _room(settings.home, "CANDLELAKE_HOME")


def _lake(settings: "Settings") -> str:
    from pipeline.lake.lake import Lake

    lake = Lake(settings.lake)
    if isinstance(settings.lake, Path):
        place = "" if settings.lake.is_relative_to(settings.home) else f", {_room(settings.lake, 'CANDLELAKE_LAKE')}"
        return f"a folder, {lake.root}{place}"
    lake.store.require_safe_commits()
    return (
        f"{lake.root} at {settings.lake.endpoint} answers and refuses to overwrite a commit; "
        f"tables there: {len(lake.tables())}"
    )


def _room(place: Path, chosen_by: str) -> str:
    """Return the free space for a folder that may not exist yet. Raises SettingsError when it is too little."""
    from tempfile import TemporaryFile

    folder = _nearest_existing(place)
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise SettingsError(
            f"{free / 1e9:.1f} GB free at {folder}.", remedy=f"Free some space, or set {chosen_by} elsewhere."
        )
    try:
        with TemporaryFile(dir=folder):
            return f"{free / 1e9:.0f} GB free at {folder}"
    except OSError as refused:
        raise SettingsError(
            f"{folder} cannot be written to: {refused.strerror}.",
            remedy=f"Correct its permissions, or set {chosen_by} elsewhere.",
        ) from refused


def _privacy(settings: "Settings") -> str:
    import shlex

    from pipeline.lake.storage.privacy import OWNER_FILE, OWNER_FOLDER, readable_by_others
    from pipeline.sources.home_places import HOME_SETTINGS

    lake = settings.lake if isinstance(settings.lake, Path) else None
    exposed = list(readable_by_others(settings.home, lake, settings.home / HOME_SETTINGS))
    if not exposed:
        return "nobody else on this machine can read the home, its settings and your positions"
    modes = [f"chmod {OWNER_FOLDER if place.is_dir() else OWNER_FILE:o} {shlex.quote(str(place))}" for place in exposed]
    raise SettingsError(
        f"Others on this machine can read {', '.join(map(str, exposed))}.", remedy=f"`{' && '.join(modes)}`."
    )


def _mine(settings: "Settings") -> str:
    from pipeline.mine.in_force import declared_files, require_switched_on

    require_switched_on(settings)
    names = [name for file in declared_files(settings) for name in file.names]
    return f"{', '.join(names) or 'nothing'} of your own, in {settings.mine}"


def _day_files(settings: "Settings") -> str:
    from pipeline.sources.choose import Sources
    from pipeline.sources.port import Dataset, last_day

    sources = Sources(settings)
    source = sources.flat_files()
    if not sources.has_flat_files:
        whose = ", ".join(settings.tickers or ("the whole market",))
        return f"none: sessions come from {settings.rest_url}, for {whose}"
    newest = last_day(source, Dataset.DAY_AGGS)
    # Every key may list; only reading shows whether the plan includes the data.
    source.require_readable(newest)
    return f"{settings.flat_files} answers; its newest day file, of {newest.session}, can be read"


def _dagster(settings: "Settings") -> str:
    from pipeline.orchestration.instance import open_instance

    if not (settings.home / "dagster").exists() and not os.environ.get("DAGSTER_HOME"):
        return f"no runs yet; {settings.home / 'dagster'} is made by the first"
    try:
        with open_instance(settings.home) as instance:
            return f"{count_text(instance.get_runs_count(), 'runs')} in {instance.root_directory}"
    except CandlelakeError:
        raise
    except Exception as broken:  # (Dagster wraps every fault of an instance in its own type)
        raise SettingsError(
            f"The Dagster instance of {settings.home} cannot be opened: {str(broken).splitlines()[0]}",
            remedy="Correct DAGSTER_HOME if you set it; else move the home's folder `dagster` away: it has the log "
            "of runs only, and is made again.",
        ) from broken


def _sql(settings: "Settings") -> str:
    from pipeline.lake.sql import connect

    with connect(settings.lake) as tables:
        standing, version = tables.standing()
        tables.sql("SELECT 1")
    return f"DuckDB {version} with its delta extension, in a sandbox: {standing.words()}"


LOOKS: dict[str, Callable[["Settings"], str]] = {
    "settings": _settings,
    "disk": _disk,
    "privacy": _privacy,
    "lake": _lake,
    "mine": _mine,
    "day files": _day_files,
    "dagster": _dagster,
    "sql": _sql,
}
"""The checks, in order: each function returns what it found or raises what is wrong."""


def _nearest_existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
