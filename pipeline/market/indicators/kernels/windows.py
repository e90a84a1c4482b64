"""The look-back windows of the wanted bars, as row numbers, found in one pass."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Rows = NDArray[np.int64]


class Windows(NamedTuple):
    """Where each ticker's bars lie, which of them are wanted, and where the window of each wanted bar begins.

    Ticker t has the rows `starts[t]` … `starts[t + 1] - 1`; those from `wanted[t]` on are wanted, and their values
    stand in the output from `offsets[t]` on. `first` is as long as the output and counts from the ticker's first row.
    """

    starts: Rows
    wanted: Rows
    offsets: Rows
    first: Rows


def find_windows(positions: Rows, starts: Rows, since: int, lookback: int) -> Windows:
    """Return the windows of the bars at `positions` (each bar's place in the exchange's sessions) from `since` on.

    The window of a bar at position p holds the ticker's bars at p - `lookback` + 1 … p.
    """
    offsets = np.zeros(len(starts), dtype=np.int64)
    wanted = np.empty(len(starts) - 1, dtype=np.int64)
    _find_wanted(positions, starts, since, wanted, offsets)
    first = np.empty(offsets[-1], dtype=np.int64)
    _find_first(positions, starts, wanted, lookback, first)
    return Windows(starts, wanted, offsets, first)


@njit(cache=True, error_model="numpy")
def _find_wanted(positions: Rows, starts: Rows, since: int, wanted: Rows, offsets: Rows) -> None:
    for t in range(len(wanted)):
        row = starts[t + 1]
        while row > starts[t] and positions[row - 1] >= since:
            row -= 1
        wanted[t] = row
        offsets[t + 1] = offsets[t] + starts[t + 1] - row


@njit(cache=True, error_model="numpy")
def _find_first(positions: Rows, starts: Rows, wanted: Rows, lookback: int, first: Rows) -> None:
    place = 0
    for t in range(len(wanted)):
        begin = starts[t]
        for row in range(wanted[t], starts[t + 1]):
            while positions[begin] <= positions[row] - lookback:
                begin += 1
            first[place] = begin - starts[t]
            place += 1
