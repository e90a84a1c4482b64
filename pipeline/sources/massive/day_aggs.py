"""The vendor's day and minute files of aggregates: from the bytes of one file to bars, rejected rows and counts.

**One line is always one row**, whatever it contains. A quote that does not close affects only its own line; a blank
line between rows is a malformed row; only line ends after the last row are not rows. A file with plain lines only is
parsed with its types at once; any other is read as text, cell by cell, to the same values (`cells` defines numbers).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pipeline.contracts.delivered import NUMBERS, OUR_NAMES, TYPES, FileFormat, names_of
from pipeline.errors import FileRefused
from pipeline.sources.massive.aggregates_text import Text, count, quoted_fields, text_of
from pipeline.sources.massive.cells import as_count, as_float, as_time
from pipeline.sources.massive.cleaned_day import CleanedDay, cleaned_day, cleaned_minutes
from pipeline.sources.transfer.gzip_file import REMEDY, decompress
from pipeline.venues.us_stocks import US_STOCKS
from pipeline.venues.venue import Venue

DAY_FILE_LIMIT = 1 << 25
"""Largest content of a day file accepted, bytes; a real one has about 700,000."""

DAY_LINES_LIMIT = 250_000
"""Most lines of a day file accepted; a real one has about 12,000. A file of line ends compresses to almost nothing."""

MINUTE_FILE_LIMIT = 1 << 29
"""Largest content of a minute file accepted, bytes; a real one has about 130,000,000."""

MINUTE_LINES_LIMIT = 4_000_000
"""Most lines of a minute file accepted; a real one has about 1,800,000."""


@dataclass(frozen=True)
class ParsedFile:
    """The rows of a file of aggregates, as numbers and as text."""

    rows: pl.DataFrame
    """`row_number` (from 1, header not counted), `malformed`, then TYPES. An unreadable number is null."""
    extra_columns: tuple[str, ...]
    """Columns that the vendor delivered beyond TYPES; they are not read."""
    text: Text

    def as_delivered(self, row_numbers: Sequence[int]) -> pl.DataFrame:
        """Return the columns of TYPES as the vendor's text, for the requested rows, in that order.

        Cells follow the header's order; the surplus text of a malformed line stays in the last cell, missing cells are
        null.
        """
        lines = self.text.lines
        chosen = pl.Series("line", [lines[number - 1].decode() for number in row_numbers], pl.String)
        cells = _cells(chosen, self.text.header)
        return cells.with_columns(pl.lit(None, pl.String).alias(name) for name in _lacking(self.text)).select(
            list(TYPES)
        )


def clean_day_file(data: bytes, session: date, key: str, etag: str, max_bad_share: float = 0.2) -> CleanedDay:
    """Return the bars, the rejected rows and the counts of one delivered day file (`data` is its .csv.gz).

    `key` and `etag` identify the delivery in the quarantine and in messages.
    Raises FileRefused when the file cannot be unpacked or is not the vendor's CSV (see `decompress`, `text_of`), has no
    row or far too many, or more than `max_bad_share` (0 … 1) of its rows are rejected.
    """
    text = _unpacked(data, session, key, DAY_FILE_LIMIT, DAY_LINES_LIMIT)
    return cleaned_day(parsed(text), US_STOCKS, session, key, etag, max_bad_share)


def cleaning_of(venue: Venue, layout: FileFormat) -> Callable[[bytes, date, str, str, float], CleanedDay]:
    """Return `clean_day_file` for the files of another vendor and venue."""

    def clean(data: bytes, session: date, key: str, etag: str, max_bad_share: float) -> CleanedDay:
        text = _unpacked(data, session, key, DAY_FILE_LIMIT, DAY_LINES_LIMIT, layout)
        begin = int(venue.bounds(session)[0].timestamp()) * 10**9
        return cleaned_day(parsed(text, begin), venue, session, key, etag, max_bad_share)

    return clean


def clean_minute_file(data: bytes, session: date, key: str, etag: str, max_bad_share: float = 0.2) -> CleanedDay:
    """Return the same as `clean_day_file`, for one delivered minute file, with the same errors."""
    text = _unpacked(data, session, key, MINUTE_FILE_LIMIT, MINUTE_LINES_LIMIT)
    return cleaned_minutes(parsed(text), US_STOCKS, session, key, etag, max_bad_share)


def _unpacked(  # noqa: PLR0913, PLR0917 (a file, its name and its limits)
    data: bytes, session: date, key: str, size_limit: int, lines_limit: int, layout: FileFormat = OUR_NAMES
) -> Text:
    """Return the text of a file with at least one row. Raises FileRefused when it is too large or has none."""
    content = decompress(data, key, size_limit)
    if (lines := count(content, b"\n")) > lines_limit:
        raise FileRefused(
            f"{key} has {lines:,} lines, more than the {lines_limit:,} that such a file may have.", remedy=REMEDY
        )
    text = text_of(content, key, layout)
    if text.begin >= text.end:
        raise FileRefused(f"{key} has a header but no row, and {session} is a session.", remedy=REMEDY)
    return text


def parse(data: bytes, name: str) -> ParsedFile:
    """Return every row of the CSV `data` (day or minute aggregates, unpacked). Raises FileRefused as `text_of`."""
    return parsed(text_of(data, name))


def parsed(text: Text, begin: int = 0) -> ParsedFile:
    """Return every row of a file with the columns of TYPES, matched by name, in any order.

    Nothing is guessed from the values, and no row is left out: unreadable rows are malformed, or have nulls. Columns
    that the file lacks are 0, and a time is `begin` (nanoseconds UTC).
    """
    rows = _typed_rows(text)
    if rows is None:
        rows = _rows_from_text(text)
    absent = [pl.lit(begin if name in TIMES else 0, dtype).alias(name) for name, dtype in _lacking(text).items()]
    whole = rows.with_columns(absent).select("row_number", "malformed", *TYPES) if absent else rows
    return ParsedFile(whole, tuple(name for name in text.header if name not in TYPES), text)


TIMES, COUNTS = names_of("time"), names_of("count")


def _lacking(text: Text) -> dict[str, Any]:
    return {name: dtype for name, dtype in TYPES.items() if name not in text.header}


def _present(text: Text) -> list[str]:
    return [name for name in TYPES if name in text.header]


def _typed_rows(text: Text) -> pl.DataFrame | None:
    """Return the rows when every line is plain and every number readable; None otherwise."""
    header, lines = text.header, text.plain_lines()
    if lines is None:
        return None
    try:
        # Columns are named by position, as an extra column's name may be empty or repeat.
        typed = pl.read_csv(
            text.readable,
            has_header=False,
            skip_lines=1,
            schema={str(position): TYPES.get(name, pl.String) for position, name in enumerate(header)},
            quote_char=None,
        )
    except pl.exceptions.PolarsError:
        return None  # Some cell or line is wrong: reading the text shows which one, and loses no row.
    columns = {name: typed.get_column(str(header.index(name))) for name in _present(text)}
    columns["ticker"] = columns["ticker"].fill_null("")
    if len(typed) != lines or any(column.null_count() for column in columns.values()):
        return None
    malformed = pl.Series(np.zeros(lines, dtype=np.bool_))
    return pl.DataFrame({"row_number": _row_numbers(lines), "malformed": malformed, **columns})


def _row_numbers(lines: int) -> pl.Series:
    return pl.Series(np.arange(1, lines + 1, dtype=np.int64))


def _rows_from_text(text: Text) -> pl.DataFrame:
    """Return the rows read cell by cell; the numbers of malformed lines are null."""
    lines = text.rows.decode().split("\n") if text.begin < text.end else []
    cells = _cells(pl.Series("line", lines, pl.String), text.header)
    present = _present(text)
    numbers = [as_float(name) for name in NUMBERS]
    times = [as_time(name) for name in TIMES if name in present]
    counts = [as_count(name) for name in COUNTS if name in present]
    rows = cells.select("malformed", "ticker", *numbers, *times, *counts)
    is_well_formed = ~pl.col("malformed")
    return rows.select(
        _row_numbers(len(rows)).alias("row_number"),
        "malformed",
        "ticker",
        pl.when(is_well_formed).then(pl.exclude("malformed", "ticker")).name.keep(),
    )


def _cells(lines: pl.Series, header: tuple[str, ...]) -> pl.DataFrame:
    """Return TYPES as text and `malformed`, one row per line, in the order of the lines."""
    line = pl.col("line")
    # Polars splits at every comma; only a line with quotes needs a CSV reader, one line at a time.
    numbered = lines.to_frame("line").with_row_index("at")
    has_quote = line.str.contains('"', literal=True)
    by_name = [
        pl.col("cells").struct.field(f"field_{header.index(name)}").alias(name) for name in TYPES if name in header
    ]
    plain = (
        numbered.filter(~has_quote)
        .with_columns(cells=line.str.splitn(",", len(header)))
        .select("at", *by_name, malformed=line.str.count_matches(",", literal=True) != len(header) - 1)
    )
    quoted = numbered.filter(has_quote)
    if quoted.is_empty():
        return plain.drop("at")
    return pl.concat([plain, _quoted_cells(quoted, header)]).sort("at").drop("at")


def _quoted_cells(numbered: pl.DataFrame, header: tuple[str, ...]) -> pl.DataFrame:
    """Return what `_cells` returns, with `at`, for lines with quotes."""
    rows = []
    for at, line in numbered.iter_rows():
        fields = quoted_fields(line)
        malformed = fields is None or len(fields) != len(header)
        delivered = fields if fields is not None and not malformed else line.split(",", len(header) - 1)
        padded = [*delivered, *[None] * (len(header) - len(delivered))]
        rows.append((at, *(padded[header.index(name)] for name in TYPES if name in header), malformed))
    text = {name: pl.String() for name in TYPES if name in header}
    return pl.DataFrame(rows, schema={"at": numbered.schema["at"], **text, "malformed": pl.Boolean()}, orient="row")
