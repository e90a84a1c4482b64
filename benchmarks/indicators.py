"""The indicators on a panel in memory, against TA-Lib's C functions looped over contiguous slices of each ticker.

`python -m benchmarks.indicators --rows 13000000 --json indicators.json`. Machines are noisy: what counts are the ratios
between runs of one round, not the seconds. Compilation and loading are timed in processes of their own.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import talib

from pipeline.market.indicators import INDICATORS, Indicator, indicators

SESSIONS = 1260
DENSE = 0.8
"""The share of tickers that trade in every session; the others skip sessions or are listed late."""
CORE = ("sma_", "ema_", "macd", "rsi_", "atr_", "bollinger_")

FIRST_USE = """
import resource, time
from datetime import date
import polars as pl
from pipeline.market.indicators import indicators

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


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compare(bars: pl.DataFrame, sessions: list[date], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each way, one after another in every round."""
    ways = {
        "TA-Lib loop": lambda: talib_loop(bars),
        "core columns": lambda: indicators(bars, sessions, sessions[0], declared=core()),
        "all columns": lambda: indicators(bars, sessions, sessions[0]),
    }
    indicators(bars.head(2000), sessions, sessions[0])
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            taken[name].append(seconds(work))
    return taken


def first_use() -> dict[str, dict[str, float]]:
    """Return wall and CPU seconds of the first ten rows: with nothing compiled, and with everything in the cache."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        command = [sys.executable, "-c", FIRST_USE]
        taken = {}
        for name in ("compiled", "loaded"):
            output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
            wall, cpu = map(float, output.split())
            taken[name] = {"wall": wall, "cpu": cpu}
    return taken


def main() -> None:
    """Measure, print a table, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.indicators")
    parser.add_argument("--rows", type=int, default=2_600_000, help="about so many bars (13000000: five years)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the measurements to this file")
    options = parser.parse_args()

    bars, sessions = panel(options.rows)
    taken = compare(bars, sessions, options.rounds)
    result: dict[str, object] = {"rows": len(bars), "seconds": taken}
    print(f"{len(bars):,} bars, {bars['ticker'].n_unique():,} tickers, {options.rounds} rounds")
    print(f"{'':14}{'seconds':>9}{'× TA-Lib':>10}{'least':>8}{'most':>8}")
    ratios = {}
    for name, own in taken.items():
        ratio = [ours / theirs for ours, theirs in zip(own, taken["TA-Lib loop"], strict=True)]
        ratios[name] = {"median": statistics.median(ratio), "least": min(ratio), "most": max(ratio)}
        middle, least, most = ratios[name].values()
        print(f"{name:14}{statistics.median(own):9.2f}{middle:10.2f}{least:8.2f}{most:8.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    start = first_use()
    print(f"peak memory {peak:.2f} GiB, of which the bars {bars.estimated_size() / 2**30:.2f}")
    for name, used in start.items():
        print(f"first use, {name}: {used['wall']:.1f} s, {used['cpu']:.1f} s of CPU")
    result |= {"ratios": ratios, "peak_gib": peak, "first_use": start}
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
