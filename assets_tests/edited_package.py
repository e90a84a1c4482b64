"""The package as it will be after a change: a copy with other source files, to be run in processes of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pipeline

PACKAGE = Path(pipeline.__file__).parent

FINGERPRINTS = """
import json
from pipeline.market.built_in import BUILT_IN
from pipeline.market.computed import computations
from pipeline.market.market import market_of
from pipeline.venues.us_stocks import US_STOCKS
computed = computations(market_of(US_STOCKS, BUILT_IN))
print(json.dumps({table.sql_name: computation.fingerprints for table, computation in computed.items()}))
"""


def edited_market(folder: Path, edit: Callable[[Path, str], str]) -> Path:
    """Copy the package into `folder`, with each file of its `market` changed by `edit`, and return `folder`.

    `edit` is given the file's path within `market`, and its text. All else is that of this package, compiled code too.
    """
    _copy_edited(PACKAGE, folder / PACKAGE.name, edit)
    return folder


def _copy_edited(source: Path, copy: Path, edit: Callable[[Path, str], str]) -> None:
    """Copy what `edit` changes, and the folders above it; link to all else."""
    if source.is_dir() and any(_edited(path, edit) != path.read_text() for path in source.rglob("*.py")):
        copy.mkdir(parents=True)
        for entry in source.iterdir():
            if entry.name != "__pycache__":
                _copy_edited(entry, copy / entry.name, edit)
    elif source.suffix == ".py" and _edited(source, edit) != source.read_text():
        copy.write_text(_edited(source, edit))
    else:
        copy.symlink_to(source)


def _edited(path: Path, edit: Callable[[Path, str], str]) -> str:
    market = PACKAGE / "market"
    return edit(path.relative_to(market), path.read_text()) if path.is_relative_to(market) else path.read_text()


def replaced(texts: dict[tuple[str, str], str]) -> Callable[[Path, str], str]:
    """Return an edit that puts another text in the place of one, by file and text. Raises when it is not there."""

    def edit(path: Path, text: str) -> str:
        for (name, old), new in texts.items():
            if str(path) == name:
                assert old in text, f"{name} has no {old!r}"
                text = text.replace(old, new)
        return text

    return edit


def run_of(folder: Path, *arguments: str, **settings: str) -> str:
    """Return what Python answers with the package in `folder`, under `settings` of the environment."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **settings}
    done = subprocess.run(  # noqa: S603 (our own code)
        [sys.executable, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def fingerprints_of(folder: Path) -> dict[str, dict[str, str]]:
    """Return the fingerprints of the package in `folder`, by SQL name of the table and by part."""
    found: dict[str, dict[str, str]] = json.loads(run_of(folder, "-c", FINGERPRINTS))
    return found
