"""`indicators` on disk: bytes a row against plain float64 Parquet of the same rows, and what that costs in accuracy."""

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from benchmarks.market import backfilled, market, settings_of
from benchmarks.measuring import Comparison, Figures, Goal, in_its_own_process
from benchmarks.options import Options
from pipeline.sample.full_market import last_sessions
from pipeline.venues.us_stocks import US_STOCKS

if TYPE_CHECKING:
    from pipeline.lake.lake import Lake
    from pipeline.market.indicators import Indicator

PROMISED = 1e-9
"""Relative distance from the computed number up to which a stored one counts as the same."""

STORED, PLAIN = "candlelake", "plain float64, zstd"


def size(options: Options) -> list[Comparison]:
    """Measure the files of the newest version, and those of the same rows, computed again and written by Polars."""
    sessions = last_sessions(options.sessions)
    files = market(options.data, options.tickers, options.sessions)
    with tempfile.TemporaryDirectory(dir=options.data) as room:
        home = Path(room) / "home"
        backfilled(home, files, sessions)
        figures = in_its_own_process(weigh, home=str(home), files=str(files))
    facts = {"rows": figures["rows"], "sessions": options.sessions, "column kept least exactly": figures["least_exact"]}
    goals = [Goal(STORED, 0.6, PLAIN, figure="bytes_a_row"), Goal(STORED, PROMISED, figure="distance")]
    rounds = {PLAIN: [figures["plain"]], STORED: [figures["stored"]]}
    return [Comparison("Bytes a row of stocks.indicators", PLAIN, rounds, goals, facts, figure="bytes_a_row")]


def weigh(home: str, files: str) -> Figures:
    """Return the bytes of a row both ways, and how far the stored numbers are from the computed ones."""
    settings = settings_of(home, files)
    from benchmarks.stocks import INDICATORS_TABLE  # noqa: PLC0415
    from pipeline.lake.lake import Lake  # noqa: PLC0415

    lake = Lake(settings.lake)
    shares = {name for name, precision in INDICATORS_TABLE.precision.items() if precision == "share"}
    plain, rows = 0, 0
    distances: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=home) as room:
        for month in by_month(lake.sessions(INDICATORS_TABLE)):
            computed = as_computed(lake, month)
            file = Path(room) / "plain.parquet"
            computed.write_parquet(file, compression="zstd")
            plain += file.stat().st_size
            rows += len(computed)
            stored = lake.scan(INDICATORS_TABLE, month[0], month[-1]).sort("ticker", "session").collect()
            for name, distance in distances_of(stored, computed, shares).items():
                distances[name] = max(distance, distances.get(name, 0.0))
    files_of_table = pl.DataFrame(lake.open(INDICATORS_TABLE).get_add_actions(flatten=True))
    if files_of_table["num_records"].sum() != rows:
        raise AssertionError(f"{rows} rows computed, {files_of_table['num_records'].sum()} stored")
    return {
        "rows": rows,
        "plain": {"bytes_a_row": plain / rows, "distance": 0.0},
        "stored": {"bytes_a_row": files_of_table["size_bytes"].sum() / rows, "distance": max(distances.values())},
        "least_exact": max(distances, key=lambda name: distances[name]),
    }


def by_month(sessions: Sequence[date]) -> list[list[date]]:
    """Return the sessions of each month."""
    return [list(month) for _, month in groupby(sessions, key=lambda session: (session.year, session.month))]


def as_computed(lake: "Lake", sessions: Sequence[date]) -> pl.DataFrame:
    """Return the indicators of `sessions` at full precision, whatever the table keeps of it, by ticker and session."""
    from benchmarks.stocks import LOOKBACK_SESSIONS, point_in_time_indicators  # noqa: PLC0415
    from pipeline.contracts.bars import DAILY_BARS  # noqa: PLC0415
    from pipeline.contracts.reference import SPLITS, TICKER_EVENTS, TICKERS  # noqa: PLC0415
    from pipeline.market.indicators import INDICATORS  # noqa: PLC0415
    from pipeline.market.securities.listings import listings  # noqa: PLC0415
    from pipeline.market.securities.reference import applicable_splits  # noqa: PLC0415

    window = US_STOCKS.calendar.between(US_STOCKS.calendar.offset(sessions[0], 1 - LOOKBACK_SESSIONS), sessions[-1])
    splits, tickers, events = (lake.read(table).rows.collect() for table in (SPLITS, TICKERS, TICKER_EVENTS))
    return point_in_time_indicators(
        lake.scan(DAILY_BARS, window[0], window[-1]).collect(),
        applicable_splits(splits),
        window,
        sessions[0],
        listed=listings(tickers, events),
        declared=[in_float64(indicator) for indicator in INDICATORS],
    )


def in_float64(indicator: "Indicator") -> "Indicator":
    """Return the indicator with every float of its columns in 64 bits."""
    wide = [replace(one, dtype=pl.Float64) if one.dtype.is_float() else one for one in indicator.columns]
    return replace(indicator, columns=tuple(wide))


def distances_of(stored: pl.DataFrame, computed: pl.DataFrame, shares: Collection[str]) -> dict[str, float]:
    """Return the largest relative distance of each column of floats; the rows are the same, in the same order.

    Of `shares`, shares of a price less one, it is that of the share: a return of nothing has no relative distance.
    """
    if not stored.select("ticker", "session").equals(computed.select("ticker", "session")):
        raise AssertionError("the rows stored are not those computed")
    return {
        name: _distance(stored[name].cast(pl.Float64) + (name in shares), computed[name] + (name in shares))
        for name, dtype in computed.schema.items()
        if dtype.is_float()
    }


def _distance(stored: pl.Series, computed: pl.Series) -> float:
    if not stored.is_null().equals(computed.is_null()):
        return float("inf")
    distance = (stored - computed).abs() / computed.abs()
    # Two zeros are no distance apart.
    return float(distance.fill_nan(0.0).max() or 0.0)
