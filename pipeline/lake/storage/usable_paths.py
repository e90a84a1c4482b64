"""Which folders can be a home or a lake: paths that a library would misread are refused before anything is written."""

import os
import sys
from pathlib import Path

from pipeline.errors import SettingsError

REFUSED_IN_A_LAKE = frozenset("%[]^|\\")
"""Characters in a path that delta-rs interprets: it fails, panics, or reads and writes elsewhere."""

REFUSED_IN_A_HOME = REFUSED_IN_A_LAKE | frozenset("?")
"""With a question mark in the path, the record of runs would be beside it: SQLite's addresses end there."""

LINE_ENDS = frozenset("\u2028\u2029")

LONGEST_NAME, LONGEST_HOME, LONGEST_LAKE = 255, 400, 3_400
"""Bytes of a name, of a home (SQLite opens nothing beyond 512), and of a lake (Linux 4,096), with room for what is
below."""


def require_usable_home(home: Path) -> None:
    """Return if the absolute path `home` can be a home. Raises SettingsError."""
    _require(home, "home", "CANDLELAKE_HOME", REFUSED_IN_A_HOME, LONGEST_HOME)


def require_usable_records(folder: Path) -> None:
    """Return if the absolute path `folder` can store runs. Raises SettingsError."""
    _require(folder, "record of runs", "DAGSTER_HOME", REFUSED_IN_A_HOME, LONGEST_HOME)


def require_usable_lake(folder: Path) -> None:
    """Return if `folder`, an absolute path without links, can be a lake. Raises SettingsError."""
    _require(folder, "lake", "CANDLELAKE_HOME or CANDLELAKE_LAKE", REFUSED_IN_A_LAKE, LONGEST_LAKE)


def require_usable_mine(folder: Path) -> None:
    """Return if `folder`, an absolute path without links, can hold declarations. Raises SettingsError.

    The list of folders whose code may run has a line for each.
    """
    _require(folder, "folder of your declarations", "CANDLELAKE_MINE", frozenset(), LONGEST_LAKE)


def _require(folder: Path, what: str, setting: str, refused: frozenset[str], longest: int) -> None:
    shown = ascii(str(folder))[1:-1] if not str(folder).isprintable() else str(folder)
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8" and not str(folder).isascii():
        # The libraries write UTF-8, whatever the locale: the same path would be two folders.
        raise SettingsError(
            f"The {what} cannot lie in {shown}: this locale writes paths in {encoding}, and not in UTF-8.",
            remedy=f"Set PYTHONUTF8=1, or choose a folder with {setting} whose path is ASCII.",
        )
    remedy = f"Choose another folder with {setting}: letters, digits, spaces and -_.,+=@~#:;'()&! are fine."
    if forbidden := sorted({sign for sign in str(folder) if sign in refused or _is_no_text(sign)}):
        signs = " ".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in forbidden)
        raise SettingsError(f"The {what} cannot lie in {shown}: its path has {signs}.", remedy=remedy)
    size = len(os.fsencode(folder))
    if size > longest or any(len(os.fsencode(name)) > LONGEST_NAME for name in folder.parts):
        raise SettingsError(
            f"The {what} cannot lie in {shown[:60]}…: its path has {size:,} bytes, or a name in it too many.",
            remedy=f"Choose a folder with {setting} whose path has {longest} bytes at most, and no name more than "
            f"{LONGEST_NAME}.",
        )


def _is_no_text(sign: str) -> bool:
    """Return whether a character is a control character, the end of a line, or a byte that is not UTF-8."""
    code = ord(sign)
    return code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or sign in LINE_ENDS
