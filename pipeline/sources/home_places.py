"""Places in the `settings.env` of a home: relative to the home, so that they move with it."""

import re
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from pipeline.errors import SettingsError

HOME_SETTINGS = "settings.env"
"""File inside a home with the home's own settings, such as the source of its vendor files."""

SAMPLE = "sample"
"""Folder of a home with the sample market that `candlelake demo` lays down."""

MARKER = ".candlelake-sample.json"
"""File in a sample market that records what was written there."""

LAKE, FLAT_FILES, REFERENCE = "CANDLELAKE_LAKE", "CANDLELAKE_FLAT_FILES", "CANDLELAKE_REFERENCE"

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
"""The beginning of an address. The path of a folder may have `://` further on."""

NO_PLACES = {LAKE: "home", FLAT_FILES: "rest"}
"""Values that are not folders."""


def places_in(home: Path) -> dict[str, str]:
    """Return the folders in the settings file of `home`, by setting, as absolute paths; other values are left out.

    Raises UnicodeDecodeError when the file is not text.
    """
    values = {name.upper(): value for name, value in dotenv_values(home / HOME_SETTINGS).items() if value}
    places = {name: _seen_from(home, values[name]) for name in (LAKE, FLAT_FILES, REFERENCE) if _is_place(name, values)}
    return places | _of_moved_demo(home, values)


def _is_place(name: str, values: Mapping[str, str]) -> bool:
    return name in values and values[name] != NO_PLACES.get(name) and not ADDRESS.match(values[name])


def _seen_from(home: Path, place: str) -> str:
    try:
        return str(home / Path(place).expanduser())
    except RuntimeError as unknown_user:
        raise SettingsError(
            f"{home / HOME_SETTINGS} names a folder that leads nowhere: {unknown_user}.",
            remedy="Write it without ~USER.",
        ) from unknown_user


def _of_moved_demo(home: Path, values: Mapping[str, str]) -> dict[str, str]:
    """Return the present lake and sample of a demo whose earlier version stored their absolute paths."""
    before = Path(values.get(FLAT_FILES, ""))
    is_demo = before.is_absolute() and before.name == SAMPLE and (home / SAMPLE / MARKER).exists()
    if not is_demo:
        return {}
    lay_there = values.get(LAKE) == str(before.parent / "lake")
    return {FLAT_FILES: str(home / SAMPLE)} | ({LAKE: str(home / "lake")} if lay_there else {})
