"""From bars in any order to the panel that indicators are computed over; refuses bars that break the contract."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.contracts.bars import DAILY_BARS
from pipeline.errors import ContractBroken
from pipeline.market.indicators.kernels.windows import Places, find_windows
from pipeline.market.indicators.ordering import in_order
from pipeline.market.indicators.panel import Panel

PRICES = ["open", "high", "low", "close"]


def arrange(bars: pl.DataFrame, sessions: Sequence[date], since: date, lookback: int) -> Panel:
    """Return the panel of `bars` that wants the bars from `since` on, with windows of `lookback` sessions.

    `bars` that are sorted by ticker and session already are not copied.
    Raises ContractBroken when a column is missing, a number is missing, not finite or not positive (volume: negative),
    a session is not one of `sessions`, a ticker has two bars in a session, or `sessions` are not in order.
    """
    if any(later <= earlier for earlier, later in pairwise(sessions)):
        raise _refused("the sessions are not in order")
    columns = ["ticker", "session", *PRICES, "volume"]
    wrong = [name for name in columns if bars.schema.get(name) != DAILY_BARS.columns[name]]
    if wrong:
        raise _refused(f"the columns {', '.join(wrong)} are missing or of another type than in stocks.daily_bars")
    bars = bars.select(columns).rechunk()
    _require_numbers(bars)
    positions, starts = _positions(bars["session"], sessions), _starts(bars["ticker"])
    if not _is_sorted(bars["ticker"], starts, positions):
        ordered = in_order(bars, positions)
        if ordered is None:
            raise _refused("a ticker has more than one bar in a session")
        bars = ordered
        positions, starts = _positions(bars["session"], sessions), _starts(bars["ticker"])
    first_wanted = bisect_left(sessions, since)
    windows = find_windows(positions, starts, first_wanted, lookback)
    return Panel(bars, pl.Series(positions >= first_wanted), windows, lookback)


def _require_numbers(bars: pl.DataFrame) -> None:
    numbers = [*PRICES, "volume"]
    # NaN is above every number for Polars.
    sound = [*((pl.col(name) > 0).all() for name in PRICES), (pl.col("volume") >= 0).all()]
    sound += [(pl.col(name) < float("inf")).all() for name in numbers]
    sound += [pl.col(name).null_count() == 0 for name in ["ticker", *numbers]]
    if not bars.select(pl.all_horizontal(sound)).item():
        raise _refused("a ticker or number is missing, not finite, or not positive")


def _positions(days: pl.Series, sessions: Sequence[date]) -> Places:
    """Return the place of each day in `sessions`."""
    if days.is_empty():
        return np.empty(0, dtype=np.int32)
    calendar = pl.Series(sessions, dtype=pl.Date).to_physical().to_numpy()
    physical = days.to_physical().fill_null(-1).to_numpy()
    if not len(calendar) or physical.min() < calendar[0] or physical.max() > calendar[-1]:
        raise _refused(f"sessions of the bars ({days.min()!s} to {days.max()!s}) exceed the sessions given")
    place = np.full(calendar[-1] - calendar[0] + 1, -1, dtype=np.int32)
    place[calendar - calendar[0]] = np.arange(len(calendar), dtype=np.int32)
    positions = place[physical - calendar[0]]
    if positions.min() < 0:
        raise _refused(f"{days[int(positions.argmin())]} is not a session")
    return positions


def _starts(tickers: pl.Series) -> NDArray[np.int64]:
    """Return the rows at which another ticker begins, and the number of rows at the end."""
    new = (tickers != tickers.shift(1)).fill_null(value=True)
    return np.append(new.arg_true().to_numpy(), len(tickers)).astype(np.int64)


def _is_sorted(tickers: pl.Series, starts: NDArray[np.int64], positions: Places) -> bool:
    """Return whether tickers ascend, and within each the positions, without a repeat."""
    names = tickers.gather(starts[:-1])
    ascends = np.diff(positions) > 0
    ascends[starts[1:-1] - 1] = True
    return names.is_sorted() and names.n_unique() == len(names) and bool(ascends.all())


def _refused(reason: str) -> ContractBroken:
    return ContractBroken(
        f"No indicator was computed: {reason}.",
        remedy="Pass validated bars (stocks.daily_bars) and the sessions of the exchange that cover them, in order.",
    )
