"""The same journey by pandas: files, bars, indicators, a Parquet file a day; in an environment of its own.

It has no quarantine, no audit trail, no candidates, and fewer indicators than the project.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.environments import python_with
from benchmarks.measuring import Comparison, Figures, Goal, in_its_own_process, taking_turns, timed

if TYPE_CHECKING:
    from benchmarks.options import Options

PANDAS, OURS = "pandas", "backfill"

FLOATS = ("volume", "open", "close", "high", "low")


def compare(options: "Options") -> list[Comparison]:
    """Measure pandas and the real backfill in turn, on the same files."""
    from benchmarks.backfill import facts, ours  # noqa: PLC0415 (pandas runs where this package is not installed)
    from benchmarks.market import market  # noqa: PLC0415
    from pipeline.sample.full_market import last_sessions  # noqa: PLC0415
    from pipeline.sources.port import Dataset, key_of  # noqa: PLC0415

    python = python_with(["pandas", "pyarrow"], options.data / "environments" / "pandas")
    sessions = last_sessions(options.sessions)
    files = market(options.data, options.tickers, options.sessions)
    paths = [str(files / key_of(Dataset.DAY_AGGS, session)) for session in sessions]

    def by_pandas() -> Figures:
        with tempfile.TemporaryDirectory(dir=options.data) as folder:
            return in_its_own_process(journey, python=python, paths=paths, folder=folder)

    rounds = taking_turns({OURS: lambda: ours(options, files, sessions), PANDAS: by_pandas}, options.rounds)
    goals = [Goal(OURS, 1.0, against=PANDAS)]
    return [Comparison("The journey by pandas", OURS, rounds, goals, facts(options, rounds[OURS]))]


def journey(paths: list[str], folder: str) -> Figures:
    """Files to bars and indicators."""
    import pandas as pd  # noqa: PLC0415 (only that environment has it)

    return timed(lambda: _journey(pd, paths, Path(folder)))


def _journey(pd: Any, paths: list[str], folder: Path) -> None:
    bars = pd.concat([_day(pd, path) for path in paths]).sort_values(["ticker", "session"], ignore_index=True)
    of_ticker = bars.groupby("ticker", sort=False)
    close = of_ticker["close"]

    def each(of: Any, work: Callable[[Any], Any]) -> Any:
        return work(of).reset_index(level=0, drop=True)

    for n in (20, 50, 200):
        bars[f"sma_{n}"] = each(close, lambda of, n=n: of.rolling(n).mean())
    for n in (12, 26):
        bars[f"ema_{n}"] = each(close, lambda of, n=n: of.ewm(span=n, adjust=False).mean())
    bars["macd"] = bars["ema_12"] - bars["ema_26"]
    bars["macd_signal"] = each(bars.groupby("ticker")["macd"], lambda of: of.ewm(span=9, adjust=False).mean())
    before = close.shift()
    reach = pd.concat([bars["high"] - bars["low"], (bars["high"] - before).abs(), (bars["low"] - before).abs()], axis=1)
    moved = bars["close"] - before
    bars["true_range"], bars["up"], bars["down"] = reach.max(axis=1), moved.clip(lower=0), (-moved).clip(lower=0)
    for name in ("true_range", "up", "down"):
        bars[name] = each(bars.groupby("ticker")[name], lambda of: of.ewm(alpha=1 / 14, adjust=False).mean())
    bars["rsi_14"] = 100 - 100 / (1 + bars["up"] / bars["down"])
    deviation = each(close, lambda of: of.rolling(20).std(ddof=0))
    bars["bollinger_upper"], bars["bollinger_lower"] = bars["sma_20"] + 2 * deviation, bars["sma_20"] - 2 * deviation
    for n in (1, 5, 20, 60, 252):
        bars[f"return_{n}"] = close.pct_change(n)
    bars["high_252"] = each(of_ticker["high"], lambda of: of.rolling(252).max())
    bars["low_252"] = each(of_ticker["low"], lambda of: of.rolling(252).min())
    bars["volume_sma_20"] = each(of_ticker["volume"], lambda of: of.rolling(20).mean())
    for session, day in bars.groupby("session"):
        day.to_parquet(folder / f"{session:%Y-%m-%d}.parquet")


def _day(pd: Any, path: str) -> Any:
    rows = pd.read_csv(path, dtype={"ticker": str}, keep_default_na=False, on_bad_lines="skip")
    for name in FLOATS:
        rows[name] = pd.to_numeric(rows[name], errors="coerce")
    rows["session"] = pd.Timestamp(Path(path).name.removesuffix(".csv.gz"))
    sound = rows[list(FLOATS[1:])].gt(0).all(axis=1) & rows["volume"].ge(0)
    return rows[sound].drop_duplicates("ticker")
