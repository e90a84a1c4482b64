"""Puts bars in the order of ticker and session without comparing tickers row by row.

Each row gets a place on a grid of tickers by sessions, and is read back from there: one pass over the rows and one over
the grid, whatever the order of the rows. Names are compared run by run only; bars that lie month by month, each month
by ticker, change their ticker once in twenty rows.
"""

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from pipeline.market.indicators.kernels.windows import Places, Rows

SPARSEST = 8
"""Most places on the grid per row: with fewer rows per ticker, sorting is cheaper."""


def in_order(bars: pl.DataFrame, positions: Places) -> pl.DataFrame | None:
    """Return `bars` by ticker, then by their `positions` among the sessions; None when two bars share both."""
    tickers = bars["ticker"]
    begins = (tickers != tickers.shift(1)).fill_null(value=True).arg_true()
    names = tickers.gather(begins)
    distinct_tickers = names.unique().sort()
    width = int(positions.max(initial=0)) + 1
    if len(distinct_tickers) * width > SPARSEST * len(bars):
        return _sorted(bars)
    codes = names.cast(pl.Enum(distinct_tickers)).to_physical().to_numpy().astype(np.int64)
    order = _read_off(codes, begins.to_numpy(), positions, width, len(distinct_tickers))
    return bars.select(pl.all().gather(pl.Series(order))) if len(order) == len(bars) else None


def _sorted(bars: pl.DataFrame) -> pl.DataFrame | None:
    ordered = bars.sort("ticker", "session")
    same = (pl.col("ticker") == pl.col("ticker").shift(1)) & (pl.col("session") == pl.col("session").shift(1))
    return None if ordered.select(same.any()).item() else ordered


@njit(cache=True, nogil=True, error_model="numpy")
def _read_off(codes: Rows, begins: Rows, positions: Places, width: int, tickers: int) -> NDArray[np.uint32]:
    """Return the rows in the order of their places; fewer than there are when two share a place."""
    grid = np.zeros(tickers * width, dtype=np.uint32)
    for run in range(len(codes)):
        end = begins[run + 1] if run + 1 < len(begins) else len(positions)
        base = codes[run] * width
        for row in range(begins[run], end):
            grid[base + positions[row]] = row + 1
    order = np.empty(len(positions), dtype=np.uint32)
    count = 0
    for place in range(len(grid)):
        if grid[place]:
            order[count] = grid[place] - 1
            count += 1
    return order[:count]
