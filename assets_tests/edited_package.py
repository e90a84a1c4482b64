"""The package as it will be after a change: a copy with other source files, to be run in processes of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pipeline

PACKAGE = Path(pipeline.__file__).parent

FINGERPRINTS = """
import json
from pipeline.market.computed import COMPUTED, computed_by
print(json.dumps({table.sql_name: dict(computed_by(table)) for table in COMPUTED}))
"""


def edited_market(folder: Path, edit: Callable[[Path, str], str]) -> Path:
    """Lay a package into `folder` whose `market` holds what `edit` makes of each file, and return `folder`.

    `edit` is given the file's path within `market`, and its text. All else is that of this package.
    """
    copy = folder / PACKAGE.name
    copy.mkdir(parents=True)
    for entry in PACKAGE.iterdir():
        if entry.name not in {"market", "__pycache__"}:
            (copy / entry.name).symlink_to(entry)
    source = PACKAGE / "market"
    shutil.copytree(source, copy / "market", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (copy / "market").rglob("*.py"):
        path.write_text(edit(path.relative_to(copy / "market"), path.read_text()))
    return folder


def replaced(texts: dict[tuple[str, str], str]) -> Callable[[Path, str], str]:
    """Return an edit that puts another text in the place of one, by file and text. Raises when it is not there."""

    def edit(path: Path, text: str) -> str:
        for (name, old), new in texts.items():
            if str(path) == name:
                assert old in text, f"{name} has no {old!r}"
                text = text.replace(old, new)
        return text

    return edit


def run_of(folder: Path, *arguments: str) -> str:
    """Return what Python answers with the package in `folder`."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(  # noqa: S603 (our own code)
        [sys.executable, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def fingerprints_of(folder: Path) -> dict[str, dict[str, str]]:
    """Return the fingerprints of the package in `folder`, by SQL name of the table and by part."""
    found: dict[str, dict[str, str]] = json.loads(run_of(folder, "-c", FINGERPRINTS))
    return found
