"""The text of an unpacked file of aggregates: its header, and where its rows are. No cell is read here.

**One line is always one row**, whatever it contains. A quote that does not close affects only its own line; a blank
line between rows is a malformed row; only line ends after the last row are not rows.
"""

import csv
from codecs import BOM_UTF8
from dataclasses import dataclass

import numpy as np

from pipeline.contracts.delivered import OUR_NAMES, TYPES, FileFormat
from pipeline.errors import FileRefused
from pipeline.sources.transfer.gzip_file import REMEDY, page_hint

COLUMNS_LIMIT = 64
"""Most columns accepted; the vendor has eight."""

_IN_CACHE = 1 << 16
"""Bytes that are compared at once."""


@dataclass(frozen=True)
class Text:
    """The text of a file: a minute file is too large to be copied for its rows alone."""

    header: tuple[str, ...]
    data: bytes
    begin: int
    """Where the first row begins."""
    end: int
    """Where the last row ends: no line end after it is a row."""

    @property
    def rows(self) -> bytes:
        """Return the rows, each but the last ended by `\\n`."""
        return self.data[self.begin : self.end]

    @property
    def lines(self) -> list[bytes]:
        """Return the text of each row."""
        return self.rows.split(b"\n") if self.begin < self.end else []

    def plain_lines(self) -> int | None:
        """Return the number of rows if each can be read as plain cells between commas; None otherwise.

        This does not prove that every row has as many cells as the header: one row may have too many, another too few.
        """
        # Polars drops a `\r` at the end of a line and a byte order mark before the first: text does not.
        if self.begin == self.end or self.data.startswith(BOM_UTF8, self.begin):
            return None
        if any(self.data.find(special, self.begin, self.end) >= 0 for special in (b'"', b"\r")):
            return None
        lines = count(self.data, b"\n", self.begin, self.end) + 1
        cells = lines * (len(self.header) - 1)
        return lines if count(self.data, b",", self.begin, self.end) == cells else None

    @property
    def readable(self) -> bytes:
        """Return the header and the rows, without the last line ends, which would be read as rows."""
        return self.data if len(self.data) - self.end <= 1 else self.data[: self.end]


def text_of(data: bytes, name: str, layout: FileFormat = OUR_NAMES) -> Text:
    """Return the text of the CSV `data` (day or minute aggregates, unpacked), with our names in its header.

    A byte order mark and `\r\n` are tolerated. Raises FileRefused, with `name` in the message, when it is not UTF-8, or
    the header is not the vendor's or has more than COLUMNS_LIMIT columns.
    """
    data = data.removeprefix(BOM_UTF8)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    _require_text(data, name)
    begin = data.find(b"\n") + 1 or len(data)
    header = _header(data[:begin].removesuffix(b"\n").decode(), data, name, layout)
    return Text(header, data, begin, _end_of_rows(data, begin))


def count(data: bytes, character: bytes, begin: int = 0, end: int | None = None) -> int:
    """Return how often an ASCII character occurs in `data` from `begin` to before `end`."""
    # NumPy compares many bytes at once; Python's own count compares one at a time.
    codes = np.frombuffer(data, np.uint8)[begin:end]
    pieces = range(0, len(codes), _IN_CACHE)
    return sum(int(np.count_nonzero(codes[at : at + _IN_CACHE] == ord(character))) for at in pieces)


def _end_of_rows(data: bytes, begin: int) -> int:
    """Return the position after the last row, where the last line ends begin."""
    end = len(data)
    while end > begin and data[end - 1] == ord("\n"):
        end -= 1
    return end


def _require_text(data: bytes, name: str) -> None:
    if b"\0" in data:
        raise FileRefused(f"{name} is not UTF-8 text: it has NUL bytes (UTF-16, or binary data?).", remedy=REMEDY)
    if data.isascii():  # cheaper than decoding, and true for almost every file
        return
    try:
        data.decode()
    except UnicodeDecodeError as undecodable:
        raise FileRefused(
            f"{name} is not UTF-8 text: {undecodable.reason} at byte {undecodable.start:,}.", remedy=REMEDY
        ) from undecodable


def _header(line: str, data: bytes, name: str, layout: FileFormat) -> tuple[str, ...]:
    """Return the names in the header line, or refuse the file."""
    if not data or data.isspace():
        raise FileRefused(f"{name} is empty: it does not even have a header.", remedy=REMEDY)
    if (commas := line.count(",")) >= COLUMNS_LIMIT:
        raise FileRefused(
            f"{name} has the wrong header{page_hint(data)}: {commas + 1:,} columns, more than the {COLUMNS_LIMIT} that "
            "a file may have.",
            remedy=REMEDY,
        )
    names = quoted_fields(line) or ()
    expected = layout.expected.values()
    missing = [column for column in expected if column not in names]
    repeated = [column for column in (layout.names.get(ours, ours) for ours in TYPES) if names.count(column) > 1]
    if missing or repeated:
        faults = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"repeats {', '.join(repeated)}"] * bool(repeated)
        raise FileRefused(
            f"{name} has the wrong header{page_hint(data)}: it {' and '.join(faults)}. Found: {line[:200]!r}; "
            f"expected: {','.join(expected)}.",
            remedy=REMEDY,
        )
    return layout.ours(tuple(names))


def quoted_fields(line: str) -> list[str] | None:
    """Return the fields of one line of CSV, or None when its quotes are invalid."""
    if line.count('"') % 2:  # Python's reader accepts `B",1`, the end of a quoted ticker with a line end in it.
        return None
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return None
