"""The vendor's day and minute files of aggregates: from the bytes of one file to bars, rejected rows and counts.

What a line is: **one line is one row, always**, whatever it holds. A quote that does not close spoils its own line and
no other; a blank line between rows is a malformed row; only line ends after the last row are not rows. A file whose
lines are all plain is read with its types in one go; any other is read as text, cell by cell, to the same values (what
a number is, `cells` says).
"""

import csv
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from pipeline.errors import FileRefused
from pipeline.sources.cells import as_count, as_float, as_time
from pipeline.sources.cleaned_day import CleanedDay, cleaned_day, cleaned_minutes
from pipeline.sources.gzip_file import REMEDY, decompress, page_hint

SCHEMA: dict[str, type[pl.DataType]] = {
    "ticker": pl.String,
    "volume": pl.Float64,
    "open": pl.Float64,
    "close": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "window_start": pl.Int64,
    "transactions": pl.Int64,
}
"""Columns of day and minute files, in the vendor's order."""

DAY_FILE_LIMIT = 1 << 25
"""Largest content of a day file accepted, bytes; a real one has about 700,000."""

DAY_LINES_LIMIT = 250_000
"""Most lines of a day file accepted; a real one has about 12,000. A file of line ends packs to almost nothing."""

MINUTE_FILE_LIMIT = 1 << 29
"""Largest content of a minute file accepted, bytes; a real one has about 130,000,000."""

MINUTE_LINES_LIMIT = 4_000_000
"""Most lines of a minute file accepted; a real one has about 1,800,000."""

COLUMNS_LIMIT = 64
"""Most columns accepted; the vendor has eight."""

_IN_CACHE = 1 << 16
"""Bytes that are looked at in one go."""

_FLOATS = ("volume", "open", "close", "high", "low")


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

    def count(self, character: bytes) -> int:
        """Return how often an ASCII character stands in the rows."""
        return _count(self.data, character, self.begin, self.end)

    def holds(self, character: bytes) -> bool:
        """Return whether a character stands in the rows."""
        return self.data.find(character, self.begin, self.end) >= 0


@dataclass(frozen=True)
class ParsedFile:
    """The rows of a file of aggregates, as numbers, with their text at hand."""

    rows: pl.DataFrame
    """`row_number` (from 1, header not counted), `malformed`, then SCHEMA. An unreadable number is null."""
    extra_columns: tuple[str, ...]
    """Columns that the vendor delivered beyond SCHEMA; they are not read."""
    text: Text

    def as_delivered(self, row_numbers: Sequence[int]) -> pl.DataFrame:
        """Return the columns of SCHEMA as the vendor's text, for the rows asked for, in that order.

        Cells stand in the header's order; what a malformed line has beyond them stays in the last, what it lacks is
        null.
        """
        lines = self.text.lines
        chosen = pl.Series("line", [lines[number - 1].decode() for number in row_numbers], pl.String)
        return _cells(chosen, self.text.header).select(list(SCHEMA))


def clean_day_file(data: bytes, session: date, key: str, etag: str, max_bad_share: float = 0.2) -> CleanedDay:
    """Return the bars, the rejected rows and the counts of one delivered day file (`data` is its .csv.gz).

    `key` and `etag` name the delivery in the quarantine and in messages.
    Raises FileRefused when the file cannot be unpacked or is not the vendor's CSV (see `decompress`, `parse`), has no
    row, or far too many, or more than `max_bad_share` (0 … 1) of its rows are rejected.
    """
    parsed = _unpacked(data, session, key, DAY_FILE_LIMIT, DAY_LINES_LIMIT)
    return cleaned_day(parsed, session, key, etag, max_bad_share)


def clean_minute_file(data: bytes, session: date, key: str, etag: str, max_bad_share: float = 0.2) -> CleanedDay:
    """Return what `clean_day_file` does, of one delivered minute file. Raises as it does."""
    parsed = _unpacked(data, session, key, MINUTE_FILE_LIMIT, MINUTE_LINES_LIMIT)
    return cleaned_minutes(parsed, session, key, etag, max_bad_share)


def _unpacked(data: bytes, session: date, key: str, size_limit: int, lines_limit: int) -> ParsedFile:
    """Return the rows of a file that has any. Raises FileRefused when it is too large, or none."""
    content = decompress(data, key, size_limit)
    if (lines := _count(content, b"\n")) > lines_limit:
        raise FileRefused(
            f"{key} has {lines:,} lines, more than the {lines_limit:,} that such a file may hold.", remedy=REMEDY
        )
    parsed = parse(content, key)
    if parsed.rows.is_empty():
        raise FileRefused(f"{key} has a header but no row, and {session} is a session.", remedy=REMEDY)
    return parsed


def parse(data: bytes, name: str) -> ParsedFile:
    """Return every row of the CSV `data` (day or minute aggregates, unpacked) with the columns of SCHEMA.

    Columns are found by name, in any order; a byte order mark and `\\r\\n` are tolerated. Nothing is guessed from the
    values, and no row is left out: those that cannot be read come back as malformed, or with nulls.
    Raises FileRefused, with `name` in the message, when the text is not UTF-8, or the header is not the vendor's or
    has more than COLUMNS_LIMIT columns.
    """
    data = data.removeprefix(BOM_UTF8)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    _require_text(data, name)
    begin = data.find(b"\n") + 1 or len(data)
    header = _header(data[:begin].removesuffix(b"\n").decode(), data, name)
    text = Text(header, data, begin, _end_of_rows(data, begin))
    rows = _typed_rows(text)
    if rows is None:
        rows = _rows_from_text(text)
    return ParsedFile(rows, tuple(name for name in header if name not in SCHEMA), text)


def _count(data: bytes, character: bytes, begin: int = 0, end: int | None = None) -> int:
    """Return how often an ASCII character stands in `data` from `begin` to before `end`."""
    # NumPy compares many bytes at once, Python's own count one after the other.
    codes = np.frombuffer(data, np.uint8)[begin:end]
    pieces = range(0, len(codes), _IN_CACHE)
    return sum(int(np.count_nonzero(codes[at : at + _IN_CACHE] == ord(character))) for at in pieces)


def _end_of_rows(data: bytes, begin: int) -> int:
    """Return where the line ends after the last row begin."""
    end = len(data)
    while end > begin and data[end - 1] == ord("\n"):
        end -= 1
    return end


def _require_text(data: bytes, name: str) -> None:
    if b"\0" in data:
        raise FileRefused(f"{name} is not UTF-8 text: it holds NUL bytes (UTF-16, or binary data?).", remedy=REMEDY)
    if data.isascii():  # which costs less than decoding, and is true of almost every file
        return
    try:
        data.decode()
    except UnicodeDecodeError as undecodable:
        raise FileRefused(
            f"{name} is not UTF-8 text: {undecodable.reason} at byte {undecodable.start:,}.", remedy=REMEDY
        ) from undecodable


def _header(line: str, data: bytes, name: str) -> tuple[str, ...]:
    """Return the names in the header line, or refuse the file."""
    if not data or data.isspace():
        raise FileRefused(f"{name} is empty: it has not even a header.", remedy=REMEDY)
    if (commas := line.count(",")) >= COLUMNS_LIMIT:
        raise FileRefused(
            f"{name} has the wrong header{page_hint(data)}: {commas + 1:,} columns, more than the {COLUMNS_LIMIT} that "
            "a file may have.",
            remedy=REMEDY,
        )
    found = _quoted_fields(line) or ()
    missing = [column for column in SCHEMA if column not in found]
    repeated = [column for column in SCHEMA if found.count(column) > 1]
    if missing or repeated:
        faults = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"repeats {', '.join(repeated)}"] * bool(repeated)
        raise FileRefused(
            f"{name} has the wrong header{page_hint(data)}: it {' and '.join(faults)}. Found: {line[:200]!r}; "
            f"expected: {','.join(SCHEMA)}.",
            remedy=REMEDY,
        )
    return tuple(found)


def _typed_rows(text: Text) -> pl.DataFrame | None:
    """Return the rows when every line is plain and every number readable; None otherwise."""
    header = text.header
    lines = text.count(b"\n") + 1
    # Polars drops a `\r` at the end of a line and a byte order mark before the first: text does not.
    if text.begin == text.end or text.holds(b'"') or text.holds(b"\r") or text.data.startswith(BOM_UTF8, text.begin):
        return None
    if text.count(b",") != lines * (len(header) - 1):
        return None
    ends_with_row = len(text.data) - text.end <= 1
    try:
        # Columns are named by position, as a foreign column's name may be empty or repeat.
        typed = pl.read_csv(
            text.data if ends_with_row else text.data[: text.end],
            has_header=False,
            skip_lines=1,
            schema={str(position): SCHEMA.get(name, pl.String) for position, name in enumerate(header)},
            quote_char=None,
        )
    except pl.exceptions.PolarsError:
        return None  # Some cell or line is off: the text tells which, and loses no row.
    columns = {name: typed.get_column(str(header.index(name))) for name in SCHEMA}
    columns["ticker"] = columns["ticker"].fill_null("")
    if len(typed) != lines or any(column.null_count() for column in columns.values()):
        return None
    malformed = pl.repeat(False, lines, dtype=pl.Boolean, eager=True)
    return pl.DataFrame({"row_number": _row_numbers(lines), "malformed": malformed, **columns})


def _row_numbers(lines: int) -> pl.Series:
    return pl.int_range(1, lines + 1, dtype=pl.Int64, eager=True)


def _rows_from_text(text: Text) -> pl.DataFrame:
    """Return the rows read cell by cell; the numbers of malformed lines are null."""
    lines = text.rows.decode().split("\n") if text.begin < text.end else []
    cells = _cells(pl.Series("line", lines, pl.String), text.header)
    numbers = [as_float(name) for name in _FLOATS]
    rows = cells.select("malformed", "ticker", *numbers, as_time("window_start"), as_count("transactions"))
    is_well_formed = ~pl.col("malformed")
    return rows.select(
        _row_numbers(len(rows)).alias("row_number"),
        "malformed",
        "ticker",
        pl.when(is_well_formed).then(pl.exclude("malformed", "ticker")).name.keep(),
    )


def _cells(lines: pl.Series, header: tuple[str, ...]) -> pl.DataFrame:
    """Return SCHEMA as text and `malformed`, one row per line, in the order of the lines."""
    line = pl.col("line")
    # Polars splits at every comma; only a line with quotes needs a reader of CSV, one line at a time.
    numbered = lines.to_frame("line").with_row_index("at")
    has_quote = line.str.contains('"', literal=True)
    named = [pl.col("cells").struct.field(f"field_{header.index(name)}").alias(name) for name in SCHEMA]
    plain = (
        numbered.filter(~has_quote)
        .with_columns(cells=line.str.splitn(",", len(header)))
        .select("at", *named, malformed=line.str.count_matches(",", literal=True) != len(header) - 1)
    )
    quoted = numbered.filter(has_quote)
    if quoted.is_empty():
        return plain.drop("at")
    return pl.concat([plain, _quoted_cells(quoted, header)]).sort("at").drop("at")


def _quoted_cells(numbered: pl.DataFrame, header: tuple[str, ...]) -> pl.DataFrame:
    """Return what `_cells` returns, with `at`, for lines with quotes."""
    rows = []
    for at, line in numbered.iter_rows():
        fields = _quoted_fields(line)
        malformed = fields is None or len(fields) != len(header)
        delivered = fields if fields is not None and not malformed else line.split(",", len(header) - 1)
        padded = [*delivered, *[None] * (len(header) - len(delivered))]
        rows.append((at, *(padded[header.index(name)] for name in SCHEMA), malformed))
    text = {name: pl.String() for name in SCHEMA}
    return pl.DataFrame(rows, schema={"at": numbered.schema["at"], **text, "malformed": pl.Boolean()}, orient="row")


def _quoted_fields(line: str) -> list[str] | None:
    """Return the fields of one line of CSV, or None when its quotes make no sense."""
    if line.count('"') % 2:  # Python's reader lets in `B",1`, the end of a quoted ticker that held a line end.
        return None
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return None
