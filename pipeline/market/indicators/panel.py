"""The panel: bars of all tickers sorted by ticker and session, and computations over their look-back windows.

The only module of the package that loads the compiled kernels; it is imported when something is computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.market.indicators.kernels import averages, patterns, recursions, rolling
from pipeline.market.indicators.kernels.recursions import Floats
from pipeline.market.indicators.kernels.windows import Rows, Windows

Values = np.ndarray | pl.Series


def read_only(x: Floats) -> Floats:
    """Return a read-only view of `x`, like the columns of Polars.

    Numba compiles a kernel once for writable arrays and once for read-only ones; kernels get only the latter.
    """
    view = x.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True)
class Panel:
    """Bars sorted by ticker and session, and the windows of the wanted bars.

    Every method returns one value per wanted bar, in the panel's order, computed from the bars of that bar's
    window only, and NaN (null in a Series) where the window holds too few bars. `n` counts bars.
    """

    bars: pl.DataFrame
    is_wanted: pl.Series
    windows: Windows
    lookback: int
    """Sessions in a window, the bar's own included."""

    def column(self, name: str) -> Floats:
        """Return a column of all bars as one array, for use in the other methods."""
        return self.bars[name].to_numpy()

    @property
    def wanted(self) -> pl.DataFrame:
        """Return the wanted bars."""
        return self.bars if len(self.bars) == len(self.windows.first) else self.bars.filter(self.is_wanted)

    def held(self) -> Rows:
        """Return how many bars the window holds, the bar's own included."""
        lengths = self.windows.starts[1:] - self.windows.wanted
        rows = np.arange(len(self.windows.first)) - np.repeat(self.windows.offsets[:-1], lengths)
        return rows + np.repeat(self.windows.wanted - self.windows.starts[:-1], lengths) - self.windows.first + 1

    def mean(self, x: Floats, n: int) -> Floats:
        """Return the mean of the last `n` values of `x` (all non-negative)."""
        return rolling.means(read_only(x), self.windows, n)

    def deviation(self, x: Floats, middle: Floats, n: int) -> Floats:
        """Return the population standard deviation of the last `n` values of `x`, whose mean is `middle`."""
        return rolling.deviations(read_only(x), read_only(middle), self.windows, n)

    def median(self, x: Floats, n: int) -> Floats:
        """Return the median of the last `n` values of `x`; of an even count, the mean of the two in the middle."""
        return rolling.medians(read_only(x), self.windows, n)

    def highest(self, x: Floats, n: int) -> Floats:
        """Return the highest of the last `n` values of `x`."""
        return rolling.highest(read_only(x), self.windows, n)

    def lowest(self, x: Floats, n: int) -> Floats:
        """Return the lowest of the last `n` values of `x`."""
        return -rolling.highest(read_only(-x), self.windows, n)

    def change(self, x: Floats, n: int) -> Floats:
        """Return x / x `n` bars ago − 1."""
        return rolling.changes(read_only(x), self.windows, n)

    def exponential_mean(self, x: Floats, n: int) -> Floats:
        """Return the exponential average of `x` (all non-negative), seeded with the mean of its first `n` values."""
        return averages.averages(read_only(x), self.windows, recursions.exponential(n, self.lookback))

    def macd(self, fast: int, slow: int, signal: int) -> tuple[Floats, Floats]:
        """Return the difference of the close's exponential averages of `fast` and `slow` bars, and its signal line."""
        return averages.macd_lines(
            self.column("close"), self.windows, recursions.macd(fast, slow, signal, self.lookback)
        )

    def relative_strength(self, n: int) -> Floats:
        """Return Wilder's RSI of the close, 0 … 100; 0 when the close did not move at all, as in TA-Lib."""
        return averages.relative_strength(self.column("close"), self.windows, recursions.wilder(n, self.lookback))

    def true_range(self, n: int) -> Floats:
        """Return Wilder's average true range, in the price's unit."""
        high, low, close = (self.column(name) for name in ("high", "low", "close"))
        return averages.true_ranges(high, low, close, self.windows, recursions.wilder(n, self.lookback))

    def setup(self) -> tuple[pl.Series, pl.Series]:
        """Return the signed TD setup count, and whether the setup is perfected; null before two closes compare."""
        high, low, close = (self.column(name) for name in ("high", "low", "close"))
        counts, perfected = patterns.setups(high, low, close, self.windows)
        compares = pl.Series(self.held() > patterns.COMPARED)
        return _where(compares, pl.Series(counts)), _where(compares, pl.Series(perfected))

    def support(self, k: int, n: int) -> Floats:
        """Return the highest swing low (below `k` lows on either side) of the last `n` bars that is below the close."""
        return patterns.supports(self.column("low"), self.column("close"), self.windows, k, n)

    def resistance(self, k: int, n: int) -> Floats:
        """Return the lowest swing high (above `k` highs on either side) of the last `n` bars above the close."""
        high, close = read_only(-self.column("high")), read_only(-self.column("close"))
        return -patterns.supports(high, close, self.windows, k, n)

    def expressed(self, expressions: Sequence[pl.Expr], lookback: int) -> list[pl.Series]:
        """Return Polars expressions over each ticker's bars; null where the window holds fewer than `lookback`."""
        names = [f"expression {k}" for k in range(len(expressions))]
        by_name = dict(zip(names, expressions, strict=True))
        if lookback == 1:
            return self.wanted.with_columns(**by_name).select(names).get_columns()
        reach = self._reach(lookback)
        values = self.bars.filter(reach).with_columns(
            **{name: expression.over("ticker") for name, expression in by_name.items()}
        )
        is_long_enough = pl.Series(self.held() >= lookback)
        return [_where(is_long_enough, values.filter(self.is_wanted.filter(reach))[name]) for name in names]

    def _reach(self, lookback: int) -> pl.Series:
        """Return which bars are wanted or among the `lookback` − 1 bars before a wanted one."""
        ends = self.windows.starts[1:]
        traded = self.windows.wanted < ends
        begins = np.maximum(self.windows.starts[:-1], self.windows.wanted - lookback + 1)
        steps = np.zeros(len(self.bars) + 1, dtype=np.int8)
        steps[begins[traded]] += 1
        steps[ends[traded]] -= 1
        return pl.Series(np.cumsum(steps[:-1], dtype=np.int8) > 0)


def _where(is_known: pl.Series, values: pl.Series) -> pl.Series:
    return pl.select(pl.when(is_known).then(values)).to_series()
