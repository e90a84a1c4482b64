"""The naive way: a loop over files, every frame kept, `.over("ticker")` for each indicator, a commit a day and table.

It computes fewer columns than the project does (no setups, no support and resistance) and tells averages that begin
with a ticker's first bars from none; what it writes is of no use but to be measured.
"""

import gzip
import io
import shutil
from datetime import date
from pathlib import Path

import polars as pl
from deltalake import write_deltalake

from benchmarks.floor import BARS, WHOLE_DAY
from benchmarks.measuring import Figures, timed
from pipeline.contracts.delivered import TYPES as SCHEMA
from pipeline.sources.port import Dataset, key_of
from pipeline.venues.us_stocks import US_STOCKS


def everything(files: str, folder: str, first: str, last: str) -> Figures:
    """Files to raw copies, bars, indicators and candidates."""

    sessions = US_STOCKS.calendar.between(date.fromisoformat(first), date.fromisoformat(last))
    return timed(lambda: _all(Path(files), Path(folder), list(sessions)))


def _all(files: Path, folder: Path, sessions: list[date]) -> None:
    from pipeline.market.screen.models import PULLBACK, TREND  # noqa: PLC0415
    from pipeline.market.screen.rank import candidates  # noqa: PLC0415

    days = [_day(files, folder, session) for session in sessions]
    for bars in days:
        write_deltalake(folder / "daily_bars", bars, mode="append")
    panel = pl.concat(days).sort("ticker", "session").with_columns(**_expressions())
    panel = panel.with_columns(macd_histogram=pl.col("macd") - pl.col("macd_signal"))
    for session in sessions:
        today = panel.filter(pl.col("session") == session)
        write_deltalake(folder / "indicators", today.drop(BARS[2:]), mode="append")
        write_deltalake(folder / "candidates", candidates(today, [TREND, PULLBACK]), mode="append")


def _day(files: Path, folder: Path, session: date) -> pl.DataFrame:
    key = key_of(Dataset.DAY_AGGS, session)
    to = folder / "raw" / key
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(files / key, to)
    with gzip.open(to) as file:
        content = io.BytesIO(file.read())
    rows = pl.read_csv(content, schema=SCHEMA, ignore_errors=True, truncate_ragged_lines=True)
    day = pl.from_epoch(pl.col("window_start") // WHOLE_DAY, time_unit="d").alias("session")
    prices = pl.col("open", "high", "low", "close")
    sound = pl.all_horizontal(prices > 0, prices.is_finite())
    return rows.with_columns(day).select(BARS).filter(sound, pl.col("session") == session).unique(["ticker"])


def _expressions() -> dict[str, pl.Expr]:
    close, high, low, opened, volume = (pl.col(name) for name in ("close", "high", "low", "open", "volume"))
    moved = close.diff()
    true_range = pl.max_horizontal(high - low, (high - close.shift()).abs(), (low - close.shift()).abs())
    up = moved.clip(0).ewm_mean(alpha=1 / 14, adjust=False)
    down = (-moved).clip(0).ewm_mean(alpha=1 / 14, adjust=False)
    macd = close.ewm_mean(span=12, adjust=False) - close.ewm_mean(span=26, adjust=False)
    middle, deviation = close.rolling_mean(20), close.rolling_std(20, ddof=0)
    own = {
        **{f"sma_{n}": close.rolling_mean(n) for n in (20, 50, 200)},
        **{f"ema_{n}": close.ewm_mean(span=n, adjust=False) for n in (12, 26)},
        "macd": macd,
        "macd_signal": macd.ewm_mean(span=9, adjust=False),
        "rsi_14": 100 - 100 / (1 + up / down),
        "atr_14": true_range.ewm_mean(alpha=1 / 14, adjust=False),
        "bollinger_upper": middle + 2 * deviation,
        "bollinger_middle": middle,
        "bollinger_lower": middle - 2 * deviation,
        **{f"return_{n}": close.pct_change(n) for n in (1, 5, 20, 60, 252)},
        "high_252": high.rolling_max(252),
        "low_252": low.rolling_min(252),
        "volume_sma_20": volume.rolling_mean(20),
        "relative_volume": volume / volume.rolling_mean(20),
        "dollar_volume_20": (close * volume).rolling_mean(20),
        "bars": close.cum_count().cast(pl.Int32),
    }
    alone = {
        "candle_high": pl.max_horizontal(opened, close),
        "candle_low": pl.min_horizontal(opened, close),
        "candle_mid": (opened + close) / 2,
        "candle_color": (close - opened).sign().cast(pl.Int8),
    }
    return {name: value.over("ticker") for name, value in own.items()} | alone
