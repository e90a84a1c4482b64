"""What an indicator is: its columns, how far it looks back, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from pipeline.contracts.indicators import IndicatorColumn

if TYPE_CHECKING:
    from pipeline.market.indicators.panel import Panel, Values


@dataclass(frozen=True)
class Indicator:
    """One or more columns that are computed together.

    `lookback` is the number of bars, the newest included, that a value can depend on. `compute` returns one array or
    Series per column, in order, with a value for each wanted bar of the panel; NaN and infinity become null.
    """

    columns: tuple[IndicatorColumn, ...]
    lookback: int
    compute: Callable[[Panel], Sequence[Values]]


def expressed(columns: Mapping[IndicatorColumn, pl.Expr], *, lookback: int = 1) -> Indicator:
    """Return an indicator whose columns are Polars expressions over one ticker's bars, the oldest first.

    An expression may use the columns session, open, high, low, close and volume, and must look no further back than
    `lookback` bars, the newest included: only so many are certain to be there. Where a ticker has fewer bars in the
    window, the value is null. The column ticker tells tickers apart, and may hold a stand-in.
    """
    return Indicator(
        columns=tuple(columns),
        lookback=lookback,
        compute=lambda panel: panel.expressed(list(columns.values()), lookback),
    )
