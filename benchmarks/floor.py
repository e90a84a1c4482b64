"""The leanest scripts for the same work: what reading, parsing and writing the same data costs on this machine.

No Dagster, no validation, no deduplication, no quarantine, no audit trail, no splits, no pages, no second look.

`floor bars`: the bytes of each file are copied to the raw folder, all files are parsed by one `scan_csv` with a schema,
and the bars are written to Delta, a month of files at a time, in one commit, partitioned by month, compressed by zstd.
`floor all`: the same, and the indicators of the panel in memory by the project's own kernels, a year at a time with
the look-back before it, with the columns of `stocks.indicators` in one commit; and the candidates, ranked by the
project's own function from those frames, in one commit.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain, groupby
from pathlib import Path

import polars as pl
from arro3.core import RecordBatchReader
from deltalake import WriterProperties, write_deltalake

from benchmarks.measuring import Figures, timed
from pipeline.contracts.delivered import TYPES as SCHEMA
from pipeline.sources.port import Dataset, key_of
from pipeline.venues.us_stocks import US_STOCKS

CHUNK = 252
"""Sessions whose indicators are computed at a time."""

RANKED_AT_A_TIME = 126

BARS = ("ticker", "session", "open", "high", "low", "close", "volume", "transactions")

WHOLE_DAY = 86_400 * 10**9


def copy_only(files: str, folder: str, first: str, last: str) -> Figures:
    """Copy the bytes of each session's file, and no more."""
    return timed(lambda: copied(Path(files), Path(folder), sessions_between(first, last)))


def scan_only(files: str, first: str, last: str) -> Figures:
    """Parse every file by one bare scan with a schema, into memory."""
    taken: list[int] = []
    sources = [Path(files) / key_of(Dataset.DAY_AGGS, session) for session in sessions_between(first, last)]
    figures = timed(lambda: taken.append(len(bare_scan(sources).collect())))
    return figures | {"rows": taken[0]}


def bars_only(files: str, folder: str, first: str, last: str) -> Figures:
    """Files to raw copies and bars."""
    sessions = sessions_between(first, last)

    def work() -> None:
        raw = copied(Path(files), Path(folder), sessions)
        write(Path(folder) / "daily_bars", parsed(raw))

    return timed(work)


def everything(files: str, folder: str, first: str, last: str) -> Figures:
    """Files to raw copies, bars, indicators and candidates."""
    sessions = sessions_between(first, last)
    # The compiled kernels are loaded before the clock starts, as everything is that is imported.
    from benchmarks.stocks import indicators  # noqa: F401, PLC0415
    from pipeline.market.indicators import arrange  # noqa: F401, PLC0415

    def work() -> None:
        raw = copied(Path(files), Path(folder), sessions)
        bars: list[pl.DataFrame] = []
        write(Path(folder) / "daily_bars", kept(parsed(raw), bars))
        listed: list[pl.DataFrame] = []
        write(Path(folder) / "indicators", computed(pl.concat(bars), sessions, listed))
        write(Path(folder) / "candidates", listed)

    return timed(work)


def sessions_between(first: str, last: str) -> list[date]:
    """Return the sessions from `first` to `last`."""

    return list(US_STOCKS.calendar.between(date.fromisoformat(first), date.fromisoformat(last)))


def copied(files: Path, folder: Path, sessions: Sequence[date]) -> list[list[Path]]:
    """Return the copies of the sessions' files, those of each month together."""
    copies = []
    for session in sessions:
        to = folder / "raw" / key_of(Dataset.DAY_AGGS, session)
        to.parent.mkdir(parents=True, exist_ok=True)
        copies.append(shutil.copyfile(files / key_of(Dataset.DAY_AGGS, session), to))
    return [list(month) for _, month in groupby(copies, key=lambda path: path.parent)]


def parsed(months: Iterable[Sequence[Path]]) -> Iterator[pl.DataFrame]:
    """Yield the bars of each month's files as they stand there; what is unreadable is null."""
    # Midnight in New York is four or five hours into the day of the UTC.
    session = pl.from_epoch(pl.col("window_start") // WHOLE_DAY, time_unit="d").alias("session")
    for files in months:
        yield bare_scan(files).with_columns(session).select(BARS).collect()


def bare_scan(files: Sequence[Path]) -> pl.LazyFrame:
    """Return the rows of files of day aggregates, read with the schema; what is unreadable is null.

    A bare scan refuses the few files with a row that it cannot read; it is set to go on.
    """
    return pl.scan_csv(files, schema=SCHEMA, ignore_errors=True, truncate_ragged_lines=True)


def kept(frames: Iterable[pl.DataFrame], into: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the frames, which stay in `into`."""
    for frame in frames:
        into.append(frame)
        yield frame


def computed(bars: pl.DataFrame, sessions: Sequence[date], listed: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the indicators of a year at a time; the candidates of its sessions go into `listed`."""
    from benchmarks.stocks import LOOKBACK_SESSIONS, indicators  # noqa: PLC0415

    panel = usable(bars, sessions)
    for begin in range(0, len(sessions), CHUNK):
        until = sessions[min(begin + CHUNK, len(sessions)) - 1]
        window = sessions[max(begin - LOOKBACK_SESSIONS + 1, 0) : begin + CHUNK]
        in_window = panel.filter(pl.col("session").is_between(window[0], until))
        rows = indicators(in_window, window, sessions[begin])
        listed += ranked(in_window, rows, sessions[begin : begin + CHUNK])
        yield rows


def usable(bars: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the bars sorted by ticker and session, without the few that no indicator can be computed from."""
    prices = pl.col("open", "high", "low", "close")
    rows = bars.filter(
        pl.all_horizontal(prices.is_finite() & (prices > 0)),
        pl.col("volume").is_between(0, 2.0**53),
        pl.col("ticker").is_not_null(),
        pl.col("session").is_between(sessions[0], sessions[-1]),
    ).sort("ticker", "session")
    first = pl.any_horizontal(pl.col("ticker", "session") != pl.col("ticker", "session").shift())
    return rows.filter(first.fill_null(value=True))


def ranked(bars: pl.DataFrame, rows: pl.DataFrame, sessions: Sequence[date]) -> Iterator[pl.DataFrame]:
    """Yield the candidates of the sessions, some at a time."""
    from pipeline.market.screen.models import MODELS  # noqa: PLC0415
    from pipeline.market.screen.rank import candidates  # noqa: PLC0415

    for begin in range(0, len(sessions), RANKED_AT_A_TIME):
        chunk = sessions[begin : begin + RANKED_AT_A_TIME]
        within = pl.col("session").is_between(chunk[0], chunk[-1])
        yield candidates(bars.lazy().filter(within).join(rows.lazy(), on=["ticker", "session"]), MODELS)


def write(table: Path, frames: Iterable[pl.DataFrame]) -> None:
    """Write the frames as a Delta table, a file for each month, in one commit; nothing when there is no row."""
    months = (
        month.rechunk()
        for frame in frames
        for month in frame.with_columns(month=pl.col("session").dt.strftime("%Y-%m")).partition_by("month")
    )
    first = next(months, None)
    if first is None:
        return
    reader = RecordBatchReader.from_stream(first)
    batches = chain(reader, (batch for month in months for batch in RecordBatchReader.from_stream(month)))
    write_deltalake(
        table,
        RecordBatchReader.from_batches(reader.schema, batches),
        partition_by=["month"],
        writer_properties=WriterProperties(compression="ZSTD"),
    )
