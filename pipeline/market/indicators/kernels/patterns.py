"""Patterns of bars: TD Sequential setups, and swings that serve as support and resistance."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.market.indicators.kernels.recursions import Floats
from pipeline.market.indicators.kernels.windows import Windows
from pipeline.market.prices.tolerance import SAME

COMPARED = 4
"""A setup compares each close with the one this many bars earlier."""
COMPLETE = 9
"""Bars of a complete setup."""


@njit(cache=True, nogil=True, error_model="numpy")
def setups(high: Floats, low: Floats, close: Floats, windows: Windows) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Return the setup count (+ buy, − sell) and whether the ninth bar perfects it, at every wanted bar."""
    counts = np.zeros(len(windows.first), dtype=np.int8)
    perfected = np.zeros(len(windows.first), dtype=np.bool_)
    for t in range(len(windows.wanted)):
        # The longest reach of a count: nine bars and the one before them, each with the close it is compared with.
        row = max(windows.starts[t] + COMPARED, windows.wanted[t] - COMPLETE)
        run, direction = 0, 0
        for i in range(row, windows.starts[t + 1]):
            noise = _noise(close[i])
            turn = (close[i] < close[i - COMPARED] - noise) - (close[i] > close[i - COMPARED] + noise)
            run = run + 1 if turn == direction else 1
            direction = turn
            if i < windows.wanted[t]:
                continue
            place = windows.offsets[t] + i - windows.wanted[t]
            flip = i - run - windows.starts[t]
            if direction == 0 or run > COMPLETE or flip < windows.first[place] + COMPARED:
                continue
            counts[place] = direction * run
            if run == COMPLETE and direction > 0:
                perfected[place] = min(low[i], low[i - 1]) <= min(low[i - 2], low[i - 3]) + noise
            elif run == COMPLETE:
                perfected[place] = max(high[i], high[i - 1]) >= max(high[i - 2], high[i - 3]) - noise
    return counts, perfected


@njit(cache=True, nogil=True, error_model="numpy")
def supports(low: Floats, close: Floats, windows: Windows, k: int, n: int) -> Floats:
    """Return the highest swing low below the close at every wanted bar, NaN where there is none.

    A swing low is below the `k` lows before it and not above the `k` lows after it. Swings of the last `n` bars count
    from the `k`-th bar after them on, if all 2k + 1 bars lie in the window.
    """
    out = np.empty(len(windows.first))
    swings, ordered = np.empty(windows.longest, dtype=np.int64), np.empty(windows.longest)
    for t in range(len(windows.wanted)):
        start, end = windows.starts[t], windows.starts[t + 1]
        if windows.wanted[t] == end:
            continue
        oldest, count = 0, 0
        for row in range(max(start, windows.wanted[t] - n - k + 1), end):
            # A swing needs k bars before it, and is known k bars after it.
            if row - 2 * k >= start and _is_swing_low(low, row - k, k):
                swings[count] = row - k
                _insert(ordered, count - oldest, low[row - k])
                count += 1
            if row < windows.wanted[t]:
                continue
            place = windows.offsets[t] + row - windows.wanted[t]
            earliest = max(row - n + 1, start + windows.first[place] + k)
            while oldest < count and swings[oldest] < earliest:
                _remove(ordered, count - oldest, low[swings[oldest]])
                oldest += 1
            below = _count_below(ordered, count - oldest, close[row] - _noise(close[row]))
            out[place] = ordered[below - 1] if below > 0 else np.nan
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _is_swing_low(low: Floats, j: int, k: int) -> bool:
    noise = _noise(low[j])
    for d in range(1, k + 1):  # noqa: SIM110 (a compiled loop)
        if low[j - d] <= low[j] + noise or low[j + d] < low[j] - noise:
            return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _noise(price: float) -> float:
    """Return how far another price may lie from this one and count as the same; resistance looks at negative ones."""
    return SAME * abs(price)


@njit(cache=True, nogil=True, error_model="numpy")
def _count_below(ordered: Floats, count: int, price: float) -> int:
    """Return how many of the first `count` values of `ordered`, which ascend, are below `price`."""
    begin = 0
    while begin < count:
        middle = (begin + count) // 2
        if ordered[middle] < price:
            begin = middle + 1
        else:
            count = middle
    return begin


@njit(cache=True, nogil=True, error_model="numpy")
def _insert(ordered: Floats, count: int, price: float) -> None:
    while count > 0 and ordered[count - 1] > price:
        ordered[count] = ordered[count - 1]
        count -= 1
    ordered[count] = price


@njit(cache=True, nogil=True, error_model="numpy")
def _remove(ordered: Floats, count: int, price: float) -> None:
    for k in range(_count_below(ordered, count, price), count - 1):
        ordered[k] = ordered[k + 1]
