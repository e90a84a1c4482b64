"""The indicators on a panel in memory, against TA-Lib's C functions looped over contiguous slices of each ticker.

The panel has five years of sessions, whatever the options; the options decide how many tickers it has.
Compilation and loading are timed apart, in processes of their own.
"""

import os
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import talib

from benchmarks.measuring import ROOT, Comparison, Figures, Goal, in_its_own_process, taking_turns, timed
from benchmarks.options import Options
from benchmarks.stocks import indicators
from pipeline.market.indicators import INDICATORS, Indicator

SESSIONS = 1260
DENSE = 0.8
"""The share of tickers that trade in every session; the others skip sessions or are listed late."""
CORE = ("sma_", "ema_", "macd", "rsi_", "atr_", "bollinger_")

FIRST_USE = """
import resource, time
from datetime import date
import polars as pl
from benchmarks.stocks import indicators

days = [date(2025, 1, k) for k in range(1, 11)]
prices = {name: [1.0] * 10 for name in ("open", "high", "low", "close", "volume")}
bars = pl.DataFrame({"ticker": ["A"] * 10, "session": days, **prices})
wall, cpu = time.perf_counter(), time.process_time()
indicators(bars, days, days[0])
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def panel(rows: int, seed: int = 7) -> tuple[pl.DataFrame, list[date]]:
    """Return about `rows` random bars of 1,260 sessions, sorted by ticker and session, and the sessions."""
    rng = np.random.default_rng(seed)
    sessions = [date(2020, 1, 1) + timedelta(days=k) for k in range(SESSIONS)]
    tickers = max(round(rows / (SESSIONS * (DENSE + (1 - DENSE) / 2))), 1)
    frames = [_bars(f"T{t:06d}", rng, sessions) for t in range(tickers)]
    return pl.concat(frames, rechunk=True), sessions


def _bars(ticker: str, rng: np.random.Generator, sessions: list[date]) -> pl.DataFrame:
    share = 1.0 if rng.random() < DENSE else rng.random()
    late = rng.random() < (1 - DENSE) / 2
    at = np.flatnonzero(rng.random(SESSIONS) <= share)[int(late) * 30 :]
    close = rng.uniform(2, 400) * np.exp(np.cumsum(rng.normal(0, 0.025, len(at))))
    opens = close * (1 + rng.normal(0, 0.01, len(at)))
    reach = 1 + np.abs(rng.normal(0, 0.01, len(at)))
    return pl.DataFrame(
        {
            "ticker": pl.repeat(ticker, len(at), eager=True),
            "session": pl.Series(sessions).gather(at),
            "open": opens,
            "high": np.maximum(opens, close) * reach,
            "low": np.minimum(opens, close) / reach,
            "close": close,
            "volume": np.floor(rng.lognormal(11, 2, len(at))),
        }
    )


def talib_loop(bars: pl.DataFrame) -> None:
    """Compute the core columns by TA-Lib, ticker by ticker, into nothing: its C functions and no more."""
    high, low, close = (bars[name].to_numpy() for name in ("high", "low", "close"))
    starts = np.append(np.flatnonzero(bars["ticker"].rle_id().diff().fill_null(1).to_numpy()), len(bars))
    for begin, end in pairwise(starts):
        c, h, lo = close[begin:end], high[begin:end], low[begin:end]
        for n in (20, 50, 200):
            talib.SMA(c, n)
        for n in (12, 26):
            talib.EMA(c, n)
        talib.MACD(c, 12, 26, 9)
        talib.RSI(c, 14)
        talib.ATR(h, lo, c, 14)
        talib.BBANDS(c, 20, 2, 2)


def core() -> list[Indicator]:
    """Return the declarations of the columns that TA-Lib has too."""
    return [indicator for indicator in INDICATORS if indicator.columns[0].name.startswith(CORE)]


LOADED, COMPILED = "loaded from the cache", "compiled"

TALIB, CORE_COLUMNS, ALL_COLUMNS = "TA-Lib loop", "core columns", "all columns"


def compare(options: Options) -> list[Comparison]:
    """Measure TA-Lib's loop, the columns that it has too, and all columns in turn, in one process."""
    figures = in_its_own_process(in_turn, rows=options.sessions * options.tickers, rounds=options.rounds)
    facts = {name: figures[name] for name in ("rows", "tickers")} | {"peak, GiB": figures["peak_gib"]}
    goals = [Goal(CORE_COLUMNS, 2.0, against=TALIB), Goal(ALL_COLUMNS, 6.0, against=TALIB)]
    return [Comparison("Indicators of a panel in memory", TALIB, figures["rounds"], goals, facts)]


def in_turn(rows: int, rounds: int) -> Figures:
    """Return the figures of each way, one after another in every round."""
    bars, sessions = panel(rows)
    ways = {
        TALIB: lambda: timed(lambda: talib_loop(bars)),
        CORE_COLUMNS: lambda: timed(lambda: indicators(bars, sessions, sessions[0], declared=core())),
        ALL_COLUMNS: lambda: timed(lambda: indicators(bars, sessions, sessions[0])),
    }
    indicators(bars.head(2000), sessions, sessions[0])
    return {"rows": len(bars), "tickers": bars["ticker"].n_unique(), "rounds": taking_turns(ways, rounds)}


def first_use(options: Options) -> list[Comparison]:
    """Measure the first ten rows of a process: with everything in the cache, and with nothing compiled."""
    with tempfile.TemporaryDirectory(dir=options.data) as cache:
        _first_rows(cache)
        ways = {LOADED: lambda: _first_rows(cache), COMPILED: lambda: _compiled(options)}
        rounds = taking_turns(ways, options.rounds)
    return [Comparison("First indicators of a process", LOADED, rounds)]


def _compiled(options: Options) -> Figures:
    with tempfile.TemporaryDirectory(dir=options.data) as cache:
        return _first_rows(cache)


def _first_rows(cache: str) -> Figures:
    command = [sys.executable, "-c", FIRST_USE]
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    wall, cpu = map(float, output.split())
    return {"seconds": wall, "cpu": cpu}
