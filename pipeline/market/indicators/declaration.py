"""What an indicator is: its columns, how far it looks back, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from pipeline.contracts.indicators import IndicatorColumn
from pipeline.market.fingerprint import Place, fingerprint, here

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
    of_window: bool = False
    """Whether a value also depends on how many sessions the window has, which the longest look-back decides."""

    def fingerprints(self, window: int) -> dict[str, str]:
        """Return for each column a short hash of what computes it; `window` is how many sessions the window has."""
        common = fingerprint(self.lookback, window if self.of_window else None, self.compute, received=[_PANEL])
        return {
            column.name: fingerprint(place, str(column.dtype), column.precision, common)
            for place, column in enumerate(self.columns)
        }


_PANEL = f"{__package__}.panel", "Panel"
"""By name only: loading the class would load the compiled kernels."""


@dataclass(frozen=True, eq=False)
class Expressed:
    """Expressions over one ticker's bars that compute an indicator."""

    expressions: tuple[pl.Expr, ...]
    lookback: int
    written: Place | None

    def __call__(self, panel: Panel) -> Sequence[Values]:
        """Return a Series for each expression, with a value for each wanted bar."""
        return panel.expressed(list(self.expressions), self.lookback)


def expressed(columns: Mapping[IndicatorColumn, pl.Expr], *, lookback: int = 1) -> Indicator:
    """Return an indicator whose columns are Polars expressions over one ticker's bars, the oldest first.

    An expression may use the columns session, open, high, low, close and volume, and must look no further back than
    `lookback` bars, the newest included: no more are certain to be there. Where a ticker has fewer bars in the
    window, the value is null. The column ticker tells tickers apart, but may hold other text than the ticker.
    """
    return Indicator(
        columns=tuple(columns),
        lookback=lookback,
        compute=Expressed(tuple(columns.values()), lookback, written=here()),
    )
