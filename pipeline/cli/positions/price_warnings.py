"""Warns of prices that were not traded on their day, as from an export in the shares of today."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.lake.lake import Lake
from pipeline.market.portfolio.book import Opening
from pipeline.market.portfolio.price_check import prices_not_traded
from pipeline.queries.portfolio import known_splits


def price_warnings(lake: Lake, openings: Sequence[Opening]) -> dict[int, str]:
    """Return a warning for each purchase whose price is outside the ticker's range of the day, by its place."""
    if not openings or not lake.exists(DAILY_BARS):
        return {}
    days = [opening.opened for opening in openings]
    tickers = sorted({opening.ticker for opening in openings})
    bars = lake.scan(DAILY_BARS, min(days), max(days), columns=["ticker", "session", "low", "high"])
    of_tickers = bars.filter(pl.col("ticker").is_in(tickers), pl.col("session").is_in(days)).collect()
    off = prices_not_traded(openings, of_tickers, known_splits(lake))
    return {row["place"]: f"{_range(row)}{_hint(row)}" for row in off.iter_rows(named=True)}


def _range(row: Mapping[str, Any]) -> str:
    low, high, price = (f"{row[name]:,.10g}" for name in ("low", "high", "price"))
    return f"{row['ticker']} traded between {low} and {high} on {row['opened']}, not at {price}."


def _hint(row: Mapping[str, Any]) -> str:
    """Return the splits after which the price would be right, in words; empty when there are none."""
    if row["splits"] is None:
        return ""
    times = row["times"]
    factor = f"×{times:.10g}" if times >= 1 else f"÷{1 / times:.10g}"
    which = "split of" if row["splits"] == 1 else f"{row['splits']} splits up to"
    then = f"{row['quantity_then']:,.10g} at {row['price_then']:,.10g}"
    return f" {factor}: as after the {which} {row['split_on']}? In the shares of that day it was {then}."
