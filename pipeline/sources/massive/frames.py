"""Flat files as Polars frames, typed but otherwise as the vendor wrote them: for notebooks and research.

The lake's tables do not use this module: they are cleaned row by row, while this module refuses unreadable files.
"""

import gzip
import warnings
import zlib
from codecs import BOM_UTF8
from collections.abc import Collection, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from pipeline.contracts.delivered import TYPES
from pipeline.errors import FileRefused
from pipeline.sources.massive.aggregates_text import COLUMNS_LIMIT
from pipeline.sources.port import Dataset, FlatFiles

BATCH = 32 << 20
"""Bytes of text read at a time: a trades file has about 20 GB."""

AGGREGATES = pl.Schema(TYPES)

SCHEMAS = {
    Dataset.DAY_AGGS: AGGREGATES,
    Dataset.MINUTE_AGGS: AGGREGATES,
    Dataset.TRADES: pl.Schema(
        {
            "ticker": pl.String,
            "conditions": pl.String,
            "correction": pl.Int32,
            "exchange": pl.Int32,
            "id": pl.String,
            "participant_timestamp": pl.Int64,
            "price": pl.Float64,
            "sequence_number": pl.Int64,
            "sip_timestamp": pl.Int64,
            "size": pl.Float64,
            "tape": pl.Int32,
            "trf_id": pl.Int32,
            "trf_timestamp": pl.Int64,
        }
    ),
    Dataset.QUOTES: pl.Schema(
        {
            "ticker": pl.String,
            "ask_exchange": pl.Int32,
            "ask_price": pl.Float64,
            "ask_size": pl.Float64,
            "bid_exchange": pl.Int32,
            "bid_price": pl.Float64,
            "bid_size": pl.Float64,
            "conditions": pl.String,
            "indicators": pl.String,
            "participant_timestamp": pl.Int64,
            "sequence_number": pl.Int64,
            "sip_timestamp": pl.Int64,
            "tape": pl.Int32,
            "trf_timestamp": pl.Int64,
        }
    ),
}
"""Columns of each dataset, in the vendor's order. Timestamps are nanoseconds UTC; prices USD as traded; volume and
sizes may be fractional; a trade's id is text, since it can exceed 2^53; conditions are codes such as `12,37`."""

REQUIRED = {
    Dataset.DAY_AGGS: AGGREGATES.names()[1:],
    Dataset.MINUTE_AGGS: AGGREGATES.names()[1:],
    Dataset.TRADES: ["price", "size", "sip_timestamp"],
    Dataset.QUOTES: ["sip_timestamp"],
}
"""Columns that every row must have; others may be empty and are then null."""

LONGEST_REST = 1 << 20
"""Most bytes of an unfinished line carried over to the next batch: an endless line must not fill the memory."""

ROW, END = "row number", "end of row"


class ExtraColumns(UserWarning):
    """A file has columns that the dataset did not have before; they are not read."""


def read_day(
    source: FlatFiles, dataset: Dataset, session: date, tickers: Collection[str] | None = None
) -> pl.DataFrame:
    """Return the file of `session`: every row, or those of `tickers` (exact, case matters), in the file's order.

    The frame has the columns and types of `SCHEMAS[dataset]`; nothing is cleaned, and an empty ticker is null. When
    none of `tickers` is in the file, the frame has no row. A subset is filtered while it is read, so that a trades
    file of 3 GB needs little memory; the whole of such a file takes about 10 GB. The file is downloaded to the
    system's temporary folder (TMPDIR) and removed afterwards.

    Raises NotPublished when the session has no file, AccessDenied and TransferFailed as `FlatFiles.download`, and
    FileRefused as `read_flat_file`.
    """
    with TemporaryDirectory(prefix="candlelake-") as folder:
        download = source.download(source.file(dataset, session), Path(folder) / f"{session}.csv.gz")
        return read_flat_file(download.path, dataset, tickers)


def read_flat_file(
    path: Path, dataset: Dataset, tickers: Collection[str] | None = None, *, batch: int = BATCH
) -> pl.DataFrame:
    """Return the flat file at `path` as `read_day` does, reading `batch` bytes of text at a time.

    Raises FileRefused when it is not gzip, truncated or damaged, lacks a column, has no row at all, or has a row
    that is too short or too long, or (among the rows returned) an unreadable number.
    """
    requested = None if tickers is None else [tickers] if isinstance(tickers, str) else list(tickers)
    rows, frames = 0, [SCHEMAS[dataset].to_frame()]
    for names, text in _batches(path, dataset, batch):
        cells = _cells(text, names, path.name).with_row_index(ROW, offset=rows + 1)
        rows += len(cells)
        if requested is not None:
            cells = cells.filter(pl.col("ticker").is_in(requested))
        frames.append(_typed(cells, dataset, path.name))
    if not rows:
        raise _refused(path.name, "has a header but no row")
    return pl.concat(frames)


def _batches(path: Path, dataset: Dataset, batch: int) -> Iterator[tuple[list[str], bytes]]:
    """Yield the column names and whole lines of text, batch by batch to the end of the file."""
    try:
        with gzip.open(path) as unpacked:
            names = _names(unpacked.readline(LONGEST_REST), dataset, path.name)
            rest = b""
            while chunk := unpacked.read(batch):
                lines, newline, rest = (rest + chunk).rpartition(b"\n")
                if len(rest) > LONGEST_REST:
                    raise _refused(path.name, f"has a line that does not end within {LONGEST_REST:,} bytes")
                if newline:
                    yield names, lines + newline
            if rest:
                yield names, rest + b"\n"
    except (gzip.BadGzipFile, EOFError, zlib.error) as damaged:
        raise _refused(path.name, f"is not a whole gzip file ({damaged})") from damaged
    except OSError as unreadable:
        raise _refused(path.name, f"cannot be read ({unreadable.strerror})") from unreadable


def _names(header: bytes, dataset: Dataset, file: str) -> list[str]:
    names = header.decode("utf-8-sig", errors="replace").rstrip("\r\n").split(",")
    if len(names) > COLUMNS_LIMIT:
        raise _refused(file, f"has {len(names):,} columns, more than the {COLUMNS_LIMIT} that a file may have")
    expected = SCHEMAS[dataset].names()
    if missing := [name for name in expected if names.count(name) != 1]:
        raise _refused(file, f"has the columns {', '.join(names)!r:.200}, without exactly one {', '.join(missing)}")
    if ROW in names or END in names:
        raise _refused(file, f"has a column named {ROW!r} or {END!r}, which this reader uses itself")
    if extra := [name for name in names if name not in expected]:
        warnings.warn(f"{file} has unknown columns: {', '.join(extra)}.", ExtraColumns, stacklevel=2)
    return names


def _cells(text: bytes, names: list[str], file: str) -> pl.DataFrame:
    if BOM_UTF8 in text:  # Polars drops one at the start of a batch, and keeps the others.
        raise _refused(file, "has a byte order mark among its rows")
    lines = text.count(b"\n")
    if text.count(b",") < lines * (len(names) - 1):
        raise _refused(file, "has rows that end too soon")
    # A mark at the end of every line shows which lines are short: Polars fills those up with nulls.
    marked = text.replace(b"\r\n", b"\n").replace(b"\n", b",.\n")
    try:
        cells = pl.read_csv(BytesIO(marked), has_header=False, schema=dict.fromkeys([*names, END], pl.String))
    except pl.exceptions.PolarsError as unreadable:
        raise _refused(file, f"is not valid CSV ({str(unreadable).splitlines()[0]})") from unreadable
    if len(cells) != lines:
        raise _refused(file, "has a quote that runs over the end of its line")
    if cells[END].null_count():
        raise _refused(file, f"has {cells[END].null_count()} rows that end too soon")
    return cells


def _typed(cells: pl.DataFrame, dataset: Dataset, file: str) -> pl.DataFrame:
    schema = SCHEMAS[dataset]
    typed = cells.select(pl.col(name).cast(dtype, strict=False) for name, dtype in schema.items())
    for name, dtype in schema.items():
        if dtype == pl.String:
            continue
        unreadable = typed[name].is_null()
        if name not in REQUIRED[dataset]:
            unreadable &= cells[name].is_not_null()
        if dtype == pl.Float64:
            unreadable |= ~typed[name].is_finite().fill_null(True)
        if unreadable.any():
            row, value = cells.filter(unreadable).select(ROW, name).row(0)
            raise _refused(file, f"has no readable {name} in row {row}: {value!r}")
    return typed


def _refused(file: str, fault: str) -> FileRefused:
    return FileRefused(
        f"{file} {fault}.",
        remedy="Download it again; if the fault remains, it is in the vendor's file: report it to them.",
    )
