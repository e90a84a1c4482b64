"""A small market with a 1:10 reverse split that the vendor does not tell: its bars in a lake, and its signals."""

import random
from datetime import date
from pathlib import Path

import polars as pl

from assets_tests.dagster_runs import SIGNALS, instance, run
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.reference import DIVIDENDS, SPLITS
from pipeline.lake.lake import Lake
from pipeline.settings import Settings
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(date(2023, 11, 1), date(2025, 1, 31))
SPLIT_DAY = SESSIONS[-20]
RAN = SESSIONS[-30:]
"""The sessions whose signals are computed."""

TICKERS = ("PLAIN", "OTHER", "THIRD", "FOURTH", "SPLIT")


def walk(ticker: str) -> list[float]:
    """Return a close for each session, in the shares of the newest: never a jump."""
    chance = random.Random(ticker)  # noqa: S311 (a price, and no secret)
    closes, close = [], 24.0
    for _ in SESSIONS:
        close *= 1 + chance.gauss(0.001, 0.01)
        closes.append(close)
    return closes


def bars() -> pl.DataFrame:
    """Return the bars as traded: before SPLIT_DAY, a share of SPLIT costs a tenth, and ten times as many trade."""
    rows = []
    for ticker in TICKERS:
        for session, close in zip(SESSIONS, walk(ticker), strict=True):
            old = 10.0 if ticker == "SPLIT" and session < SPLIT_DAY else 1.0
            price = close / old
            prices = {"open": price * 0.999, "high": price * 1.004, "low": price * 0.996, "close": price}
            rows.append({"ticker": ticker, "session": session, **prices, "volume": 2e6 * old, "transactions": 9_000})
    return pl.DataFrame(rows, schema=DAILY_BARS.columns).sort("session", "ticker")


def home_with_bars(home: Path) -> Settings:
    """Return the settings of a new home that has all bars, and a vendor who tells no split and no dividend."""
    settings = Settings(home=home, flat_files="rest")
    lake = Lake(settings.lake)
    lake.replace(DAILY_BARS, SESSIONS, [bars()], run_id="bars")
    for table in (SPLITS, DIVIDENDS):
        lake.refresh(table, table.empty(), run_id="reference", read=[lake.read(table)])
    return settings


def compute(settings: Settings) -> None:
    """Compute the signals of the sessions RAN from what the lake knows."""
    with instance() as dagster:
        run(settings, SESSIONS, instance=dagster, only=["price_doubts"])
        run(settings, RAN, instance=dagster, only=SIGNALS)
