"""The kinds of indicators by their parameters. The names of their columns follow from the parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipeline.contracts.indicators import IndicatorColumn as Column
from pipeline.market.indicators.declaration import Indicator

if TYPE_CHECKING:
    from pipeline.market.indicators.panel import Panel, Values

SETTLED = 1e-14
"""A recursive average is settled when its seed weighs no more than this."""


def settling(newest: float) -> int:
    """Return how many bars an average that weighs its newest value by `newest` needs to forget its seed."""
    return math.ceil(math.log(SETTLED) / math.log1p(-newest)) if newest < 1 else 0


def bars_held() -> Indicator:
    """Return the number of bars in the window."""
    column = Column(
        "bars", "Bars of the ticker in the look-back window.", pl.Int32, at_least=1, nullable=False, unit="free"
    )
    return Indicator((column,), 1, lambda panel: [panel.held()], of_window=True)


def candle_body() -> Indicator:
    """Return the body of the candle, between open and close."""
    columns = (
        Column(
            "candle_high",
            "Top of the candle's body: max(open, close), USD.",
            at_least=0,
            nullable=False,
            unit="price",
            precision="exact",
        ),
        Column(
            "candle_low",
            "Foot of the candle's body: min(open, close), USD.",
            at_least=0,
            nullable=False,
            unit="price",
            precision="exact",
        ),
        Column(
            "candle_mid",
            "Middle of the candle's body, USD.",
            at_least=0,
            nullable=False,
            unit="price",
            precision="exact",
        ),
        Column(
            "candle_color",
            "+1 when the close is above the open, −1 below, 0 equal (doji).",
            pl.Int8,
            at_least=-1,
            at_most=1,
            nullable=False,
            unit="free",
        ),
    )

    # Expressions built here are fingerprinted by this source; passed to `expressed`, they would be by Polars' text.
    def compute(panel: Panel) -> Sequence[Values]:
        low, high = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
        color = (pl.col("close") - pl.col("open")).sign().cast(pl.Int8)
        return panel.expressed([high, low, (low + high) / 2, color], lookback=1)

    return Indicator(columns, 1, compute)


def simple_average(n: int) -> Indicator:
    """Return the mean close of `n` bars."""
    column = Column(f"sma_{n}", f"Mean close of the last {n} bars, USD.", at_least=0, unit="price")
    return Indicator((column,), n, lambda panel: [panel.mean(panel.column("close"), n)])


def exponential_average(n: int) -> Indicator:
    """Return the exponential average of the close over `n` bars, seeded by the mean of the window's first `n`."""
    column = Column(f"ema_{n}", f"Exponential average of the close, {n} bars, USD.", at_least=0, unit="price")
    lookback = n + settling(2 / (n + 1))
    return Indicator((column,), lookback, lambda panel: [panel.exponential_mean(panel.column("close"), n)])


def macd(fast: int, slow: int, signal: int) -> Indicator:
    """Return Appel's MACD: the difference of two exponential averages, its own average, and the distance of the two."""
    if fast > slow:
        raise ValueError(f"MACD subtracts the slow average from the fast one; {fast} bars are slower than {slow}.")
    columns = (
        Column("macd", f"EMA {fast} − EMA {slow} of the close, USD.", unit="price"),
        Column("macd_signal", f"Exponential average of macd, {signal} bars, USD.", unit="price"),
        Column("macd_histogram", "macd − macd_signal, USD.", unit="price"),
    )
    lookback = slow + signal - 1 + max(settling(2 / (slow + 1)), settling(2 / (signal + 1)))

    def compute(panel: Panel) -> Sequence[Values]:
        line, smoothed = panel.macd(fast, slow, signal)
        return [line, smoothed, line - smoothed]

    return Indicator(columns, lookback, compute)


def relative_strength(n: int) -> Indicator:
    """Return Wilder's relative strength index of the close."""
    column = Column(f"rsi_{n}", f"Wilder's relative strength index, {n} bars.", at_least=0, at_most=100, unit="free")
    return Indicator((column,), 1 + n + settling(1 / n), lambda panel: [panel.relative_strength(n)])


def true_range(n: int) -> Indicator:
    """Return Wilder's average true range."""
    column = Column(f"atr_{n}", f"Wilder's average true range, {n} bars, USD.", at_least=0, unit="price")
    return Indicator((column,), 1 + n + settling(1 / n), lambda panel: [panel.true_range(n)])


def bollinger_bands(n: int, width: float) -> Indicator:
    """Return Bollinger's bands: the mean close and `width` population standard deviations to either side."""
    columns = (
        Column(
            "bollinger_upper",
            f"bollinger_middle + {width:g} population standard deviations, USD.",
            at_least=0,
            unit="price",
        ),
        Column("bollinger_middle", f"Mean close of the last {n} bars, USD.", at_least=0, unit="price"),
        Column("bollinger_lower", f"bollinger_middle − {width:g} population standard deviations, USD.", unit="price"),
    )

    def compute(panel: Panel) -> Sequence[Values]:
        close = panel.column("close")
        middle = panel.mean(close, n)
        reach = panel.deviation(close, middle, n)
        reach *= width
        return [middle + reach, middle, np.subtract(middle, reach, out=reach)]

    return Indicator(columns, n, compute)


def simple_return(n: int) -> Indicator:
    """Return the change of the close over `n` bars as a share."""
    column = Column(f"return_{n}", f"close / close {n} bars ago − 1.", at_least=-1, unit="free", precision="share")
    return Indicator((column,), n + 1, lambda panel: [panel.change(panel.column("close"), n)])


def extremes(n: int) -> Indicator:
    """Return the highest high and the lowest low of `n` bars."""
    columns = (
        Column(f"high_{n}", f"Highest high of the last {n} bars, USD.", at_least=0, unit="price", precision="exact"),
        Column(f"low_{n}", f"Lowest low of the last {n} bars, USD.", at_least=0, unit="price", precision="exact"),
    )
    return Indicator(
        columns, n, lambda panel: [panel.highest(panel.column("high"), n), panel.lowest(panel.column("low"), n)]
    )


def volume_average(n: int) -> Indicator:
    """Return the mean volume of `n` bars, and the bar's own volume relative to it."""
    columns = (
        Column(f"volume_sma_{n}", f"Mean volume of the last {n} bars, shares.", at_least=0, unit="shares"),
        Column("relative_volume", f"volume / volume_sma_{n}; null when that is 0.", at_least=0, unit="free"),
    )

    def compute(panel: Panel) -> Sequence[Values]:
        average = panel.mean(panel.column("volume"), n)
        volume = panel.wanted["volume"].to_numpy()
        return [average, np.divide(volume, average, out=np.full(len(average), np.nan), where=average > 0)]

    return Indicator(columns, n, compute)


def dollar_volume(n: int) -> Indicator:
    """Return the median value traded in a bar, over `n` bars."""
    column = Column(
        f"dollar_volume_{n}",
        f"Median of close × volume over the last {n} bars, USD.",
        at_least=0,
        unit="free",
        precision="exact",
    )
    return Indicator((column,), n, lambda panel: [panel.median(panel.column("close") * panel.column("volume"), n)])


def sequential_setup() -> Indicator:
    """Return DeMark's TD Sequential setup (Jason Perl, "DeMark Indicators", 2008)."""
    columns = (
        Column(
            "td_setup",
            "TD Sequential setup count: +1 … +9 buy, −1 … −9 sell, 0 none.",
            pl.Int8,
            at_least=-9,
            at_most=9,
            unit="free",
        ),
        Column("td_perfected", "Whether the ninth bar of a setup perfects it.", pl.Boolean, unit="free"),
    )
    # Nine bars and the price flip before them, each compared with the close four bars earlier.
    return Indicator(columns, 9 + 1 + 4, lambda panel: panel.setup())


def swings(k: int, n: int) -> Indicator:
    """Return the nearest swing low below and swing high above the close: extremes among `k` bars on either side."""
    columns = (
        Column(
            "support",
            f"Highest confirmed swing low of the last {n} bars that is below the close, USD.",
            at_least=0,
            unit="price",
            precision="exact",
        ),
        Column(
            "resistance",
            f"Lowest confirmed swing high of the last {n} bars that is above the close, USD.",
            at_least=0,
            unit="price",
            precision="exact",
        ),
    )
    return Indicator(columns, n + k, lambda panel: [panel.support(k, n), panel.resistance(k, n)])
