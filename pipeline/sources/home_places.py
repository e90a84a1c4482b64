"""Places that the `settings.env` of a home names: seen from the home, so that they move with it."""

from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from pipeline.errors import SettingsError

HOME_SETTINGS = "settings.env"
"""File inside a home that carries the settings which belong to it, such as where its vendor files come from."""

SAMPLE = "sample"
"""Folder of a home with the sample market that `candlelake demo` lays down."""

MARKER = ".candlelake-sample.json"
"""File in a sample market that says what was laid down there."""

LAKE, FLAT_FILES, REFERENCE = "CANDLELAKE_LAKE", "CANDLELAKE_FLAT_FILES", "CANDLELAKE_REFERENCE"

NO_PLACES = {LAKE: "home", FLAT_FILES: "rest"}
"""Words that stand for no folder."""


def places_in(home: Path) -> dict[str, str]:
    """Return the folders that the file of `home` names, by setting, as whole paths; what names none is left out.

    Raises UnicodeDecodeError when the file is no text.
    """
    said = {name.upper(): value for name, value in dotenv_values(home / HOME_SETTINGS).items() if value}
    found = {name: _seen_from(home, said[name]) for name in (LAKE, FLAT_FILES, REFERENCE) if _is_place(name, said)}
    return found | _of_moved_demo(home, said)


def _is_place(name: str, said: Mapping[str, str]) -> bool:
    return name in said and said[name] != NO_PLACES.get(name) and "://" not in said[name]


def _seen_from(home: Path, place: str) -> str:
    try:
        return str(home / Path(place).expanduser())
    except RuntimeError as nobody:
        raise SettingsError(
            f"{home / HOME_SETTINGS} names a folder that leads nowhere: {nobody}.", remedy="Write it without ~USER."
        ) from nobody


def _of_moved_demo(home: Path, said: Mapping[str, str]) -> dict[str, str]:
    """Return where lake and sample of a demo lie, whose earlier version wrote down where they lay then."""
    before = Path(said.get(FLAT_FILES, ""))
    is_demo = before.is_absolute() and before.name == SAMPLE and (home / SAMPLE / MARKER).exists()
    if not is_demo:
        return {}
    lay_there = said.get(LAKE) == str(before.parent / "lake")
    return {FLAT_FILES: str(home / SAMPLE)} | ({LAKE: str(home / "lake")} if lay_there else {})
