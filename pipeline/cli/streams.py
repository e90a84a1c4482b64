"""Streams that take few characters: what they cannot write is replaced, so that a command still gives its answer."""

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import TextIO

SIMILAR = "candlelake.similar"
"""Name of the error handler that writes a similar character of ASCII instead."""

_WORDS = {
    **dict.fromkeys("−–—‐‑·•", "-"),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("“”„", '"'),
    "…": "~",
    "×": "x",
    "\N{NO-BREAK SPACE}": " ",
    "≤": "<=",
    "≥": ">=",
    "±": "+-",
}
"""What is written instead; of one character where tables have it, so that their columns stay aligned."""

_UNKNOWN = "?"


def replace_unwritable() -> None:
    """Let stdout and stderr write a similar character, or `?`, instead of each that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=SIMILAR)


def as_texts(arguments: Sequence[str]) -> list[str]:
    """Return what was typed as UTF-8 in a locale of another encoding, where Python decodes it wrongly.

    The path of the home, and the name of an existing file, stay as they are: only so can they be opened.
    """
    is_path = [before == "--home" or one.startswith("--home=") for before, one in pairwise(["", *arguments])]
    return [one if stays else _as_text(one) for one, stays in zip(arguments, is_path, strict=True)]


def _as_text(argument: str) -> str:
    if sys.getfilesystemencoding() == "utf-8" or os.path.exists(argument):  # noqa: PTH110 (a text, mostly)
        return argument
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeDecodeError:
        return argument


def is_unicode(stream: TextIO) -> bool:
    """Return whether `stream` can write every character."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return codecs.lookup(encoding).name.startswith("utf")


def as_written(text: str, stream: TextIO) -> str:
    """Return `text` with a `?` for each character that `stream` cannot write.

    For data, where a similar character would be another value, or the beginning of a formula.
    """
    if is_unicode(stream):
        return text
    encoding = stream.encoding
    return text.encode(encoding, "replace").decode(encoding)


def _similar(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_in_ascii, error.object[error.start : error.end])), error.end


def _in_ascii(character: str) -> str:
    if character in _WORDS:
        return _WORDS[character]
    name = unicodedata.name(character, "")
    if not name.startswith("BOX DRAWINGS"):
        return _UNKNOWN
    if " AND " in name:
        return "+"
    if name.endswith("HORIZONTAL"):
        return "=" if name.endswith("DOUBLE HORIZONTAL") else "-"
    return "|" if name.endswith("VERTICAL") else "+"


codecs.register_error(SIMILAR, _similar)
