"""The look-back windows of the wanted bars, as row numbers, found in one pass."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Places = NDArray[np.int32]
"""Rows or sessions counted within one ticker: half the memory."""


class Windows(NamedTuple):
    """Where each ticker's bars lie, which of them are wanted, and where the window of each wanted bar begins.

    Ticker t has the rows `starts[t]` … `starts[t + 1] - 1`; those from `wanted[t]` on are wanted, and their values
    stand in the output from `offsets[t]` on. `first` is as long as the output and counts from the ticker's first row.
    `longest` is the number of bars of the ticker with the most.
    """

    starts: Rows
    wanted: Rows
    offsets: Rows
    first: Places
    longest: int


def find_windows(positions: Places, starts: Rows, since: int, lookback: int) -> Windows:
    """Return the windows of the bars at `positions` (each bar's place in the exchange's sessions) from `since` on.

    The window of a bar at position p holds the ticker's bars at p - `lookback` + 1 … p.
    """
    offsets = np.zeros(len(starts), dtype=np.int64)
    counts = np.add.reduceat(positions >= since, starts[:-1], dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    wanted = starts[1:] - counts
    first = np.empty(offsets[-1], dtype=np.int32)
    _find_first(positions, starts, wanted, lookback, first)
    return Windows(starts, wanted, offsets, first, int(np.diff(starts).max(initial=0)))


@njit(cache=True, nogil=True, error_model="numpy")
def _find_first(positions: Places, starts: Rows, wanted: Rows, lookback: int, first: Places) -> None:
    place = 0
    for t in range(len(wanted)):
        begin = starts[t]
        for row in range(wanted[t], starts[t + 1]):
            while positions[begin] <= positions[row] - lookback:
                begin += 1
            first[place] = begin - starts[t]
            place += 1
