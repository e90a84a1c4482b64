"""A position of 10 shares of A at 100, looked at with the rules: prices and indicators by number of the session."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from assets_tests.market.holdings import NO_SPLITS, bars, day, history, opening
from assets_tests.stocks import INDICATORS_TABLE
from pipeline.contracts.portfolio import SIGNALS
from pipeline.market.portfolio.levels import NO_DIVIDENDS
from pipeline.market.portfolio.positions import position_marks
from pipeline.market.portfolio.sell.rules import (
    CLOSE_UNDER_SMA,
    MACD_CROSS_DOWN,
    RSI_TURNS_DOWN,
    STOP_HIT,
    TARGET_HIT,
    TD_SELL_SETUP,
    TIME_STOP,
    TRAILING_STOP,
)
from pipeline.market.portfolio.sell.signals import sell_signals

RULES = (
    STOP_HIT,
    TARGET_HIT,
    TRAILING_STOP,
    MACD_CROSS_DOWN,
    CLOSE_UNDER_SMA,
    RSI_TURNS_DOWN,
    TD_SELL_SETUP,
    TIME_STOP,
)
"""The rules that the tests know what to expect of, whatever else is shipped."""


def indicators(*rows: Mapping[str, Any], ticker: str = "A") -> pl.DataFrame:
    """Return indicators given as mappings with `at`, the number of the session; the others are null."""
    rows_by_day = [{"ticker": ticker, "session": day(row["at"]), **row} for row in rows]
    return pl.DataFrame(rows_by_day, schema=INDICATORS_TABLE.columns) if rows else INDICATORS_TABLE.empty()


def signals_of(
    closes: Mapping[int, float],
    *indicator_rows: Mapping[str, Any],
    of_day: Mapping[str, Mapping[int, float]] | None = None,
    rules=RULES,
    known_splits=NO_SPLITS,
    paid=NO_DIVIDENDS,
    sessions: tuple[int, ...] | None = None,
    **terms: Any,
) -> pl.DataFrame:
    """Return the signals of every session from the opening on, or of `sessions`."""
    prices = bars("A", closes, **(of_day or {}))
    looked_at = [day(number) for number in sessions or range(max(closes) + 1)]
    book = history(opening(**terms))
    marks = position_marks(book, prices, known_splits, looked_at, paid)
    return SIGNALS.enforce(sell_signals(marks, prices, indicators(*indicator_rows), rules))


def days_of(signals: pl.DataFrame, rule: str) -> list[int]:
    """Return the numbers of the sessions on which `rule` speaks."""
    numbers = {day(number): number for number in range(40)}
    return [numbers[session] for session in signals.filter(pl.col("rule") == rule)["session"]]


def only(signals: pl.DataFrame, rule: str) -> dict[str, Any]:
    """Return the one signal of `rule`."""
    (row,) = signals.filter(pl.col("rule") == rule).to_dicts()
    return row
