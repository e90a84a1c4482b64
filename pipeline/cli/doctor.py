"""`candlelake doctor`: whether everything the pipeline needs is in order, and how to mend what is not."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pipeline.cli.terminal import out

if TYPE_CHECKING:
    from pipeline.settings import Settings

LEAST_FREE_BYTES = 2 * 10**9
"""Five years of every table take about this much."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    subject: str
    is_well: bool
    words: str
    """What was found, and when it is not well, the remedy."""


def doctor() -> None:
    """Check settings, credentials, reachability and disk, and say how to mend each."""
    findings = list(examine())
    for finding in findings:
        mark = "[green]ok[/]  " if finding.is_well else "[red]MEND[/]"
        out.print(f"{mark} [bold]{finding.subject:<12}[/] {finding.words}", soft_wrap=True)
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Yield what each part of the installation looks like; later parts need the settings to be readable."""
    from pipeline.errors import CandlelakeError
    from pipeline.settings import load_settings

    yield Finding("python", sys.version_info >= (3, 11), sys.version.split()[0])
    try:
        settings = load_settings()
    except CandlelakeError as unreadable:
        yield Finding("settings", is_well=False, words=str(unreadable))
        return
    yield Finding("settings", is_well=True, words=f"home {settings.home}, sessions from {settings.start}")
    for subject, look in LOOKS.items():
        try:
            yield Finding(subject, is_well=True, words=look(settings))
        except CandlelakeError as ill:
            yield Finding(subject, is_well=False, words=str(ill))


def _disk(settings: "Settings") -> str:
    from pipeline.errors import SettingsError

    folder = _nearest_existing(settings.home)
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise SettingsError(
            f"{free / 1e9:.1f} GB free at {folder}.", remedy="Free some space, or set CANDLELAKE_HOME elsewhere."
        )
    probe = folder / ".candlelake-probe"
    try:
        probe.touch()
        probe.unlink()
    except OSError as refused:
        raise SettingsError(
            f"{folder} cannot be written: {refused.strerror}.",
            remedy="Correct its permissions, or set CANDLELAKE_HOME elsewhere.",
        ) from refused
    return f"{free / 1e9:.0f} GB free at {folder}"


def _flat_files(settings: "Settings") -> str:
    from pipeline.sources.choose import flat_files_of
    from pipeline.sources.flat_files import Dataset, last_day

    newest = last_day(flat_files_of(settings), Dataset.DAY_AGGS)
    return f"{settings.flat_files} answers; its newest day file is of {newest.session}"


def _sql(settings: "Settings") -> str:
    from pipeline.lake.sql import connect
    from pipeline.lake.tables import Lake

    version = connect(Lake(settings.lake)).sql("SELECT version()").item()
    return f"DuckDB {version} with its delta extension"


LOOKS: dict[str, Callable[["Settings"], str]] = {"disk": _disk, "flat files": _flat_files, "sql": _sql}


def _nearest_existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
