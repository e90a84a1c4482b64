"""Values of the last n bars: means, deviations, extremes, medians, changes. Each uses these bars and nothing else.

Sums and extremes are joined from two parts (the scheme of van Herk, Gil and Werman): the bars are cut into blocks of n,
and any n bars in a row are the tail of one block and the head of the next. Nothing is ever subtracted, so a price of
100,000 leaves no rounding error behind when it has left the window.
"""

import numpy as np
from numba import njit

from pipeline.market.indicators.kernels.recursions import Floats
from pipeline.market.indicators.kernels.windows import Windows


@njit(cache=True, nogil=True, error_model="numpy")
def means(x: Floats, windows: Windows, n: int) -> Floats:
    """Return the mean of the last `n` values at every wanted bar, NaN where its window holds fewer."""
    out = np.empty(len(windows.first))
    tail = np.empty(n + 1)
    for t in range(len(windows.wanted)):
        begin = max(windows.starts[t], windows.wanted[t] - n + 1)
        before = windows.wanted[t] - begin
        bars = x[begin : windows.starts[t + 1]]
        tail.fill(0.0)
        for block in range(0, len(bars) if before < len(bars) else 0, n):
            end = min(block + n, len(bars))
            head = 0.0
            for i in range(block, end):
                head += bars[i]
                if i >= before:
                    out[windows.offsets[t] + i - before] = (head + tail[i - block + 1]) / n
            total = 0.0
            for k in range(end - block - 1, -1, -1):
                total += bars[block + k]
                tail[k] = total
    _blank_young(windows, n, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def highest(x: Floats, windows: Windows, n: int) -> Floats:
    """Return the highest of the last `n` values at every wanted bar, NaN where its window holds fewer."""
    out = np.empty(len(windows.first))
    tail = np.empty(n + 1)
    for t in range(len(windows.wanted)):
        begin = max(windows.starts[t], windows.wanted[t] - n + 1)
        before = windows.wanted[t] - begin
        bars = x[begin : windows.starts[t + 1]]
        tail.fill(-np.inf)
        for block in range(0, len(bars) if before < len(bars) else 0, n):
            end = min(block + n, len(bars))
            head = -np.inf
            for i in range(block, end):
                head = max(head, bars[i])
                if i >= before:
                    out[windows.offsets[t] + i - before] = max(head, tail[i - block + 1])
            peak = -np.inf
            for k in range(end - block - 1, -1, -1):
                peak = max(peak, bars[block + k])
                tail[k] = peak
    _blank_young(windows, n, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def deviations(x: Floats, middle: Floats, windows: Windows, n: int) -> Floats:
    """Return the population standard deviation of the last `n` values around their mean `middle`, NaN as `middle`."""
    out = np.empty(len(windows.first))
    for t in range(len(windows.wanted)):
        # A window that is too short has no mean: nothing before the ticker's first row is read for it.
        first = max(windows.wanted[t], windows.starts[t] + n - 1)
        begin, end = windows.offsets[t] + first - windows.wanted[t], windows.offsets[t + 1]
        out[windows.offsets[t] : min(begin, end)] = np.nan
        if begin >= end:
            continue
        means_of, squares = middle[begin:end], out[begin:end]
        squares[:] = 0.0
        # Bar by bar of the windows, not window by window: so the processor works on several windows at a time.
        for ago in range(n):
            bars = x[first - ago : first - ago + end - begin]
            for i in range(end - begin):
                squares[i] += (bars[i] - means_of[i]) * (bars[i] - means_of[i])
        for i in range(end - begin):
            squares[i] = np.sqrt(squares[i] / n)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def medians(x: Floats, windows: Windows, n: int) -> Floats:
    """Return the median of the last `n` values at every wanted bar, NaN where its window holds fewer."""
    out = np.empty(len(windows.first))
    ordered = np.empty(n)
    for t in range(len(windows.wanted)):
        begin = max(windows.starts[t], windows.wanted[t] - n + 1)
        end = windows.starts[t + 1]
        if windows.wanted[t] == end:
            continue
        for row in range(begin, end):
            if row - begin < n:
                _insert(ordered, row - begin, x[row])
            else:
                _replace(ordered, x[row - n], x[row])
            if row >= windows.wanted[t]:
                place = windows.offsets[t] + row - windows.wanted[t]
                out[place] = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    _blank_young(windows, n, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def changes(x: Floats, windows: Windows, n: int) -> Floats:
    """Return value / value `n` bars ago − 1 at every wanted bar, NaN where its window does not reach back so far."""
    out = np.empty(len(windows.first))
    for t in range(len(windows.wanted)):
        place = windows.offsets[t]
        for row in range(windows.wanted[t], windows.starts[t + 1]):
            reaches = row - windows.starts[t] - windows.first[place] >= n
            out[place] = x[row] / x[row - n] - 1.0 if reaches else np.nan
            place += 1
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _blank_young(windows: Windows, n: int, out: Floats) -> None:
    for t in range(len(windows.wanted)):
        place = windows.offsets[t]
        for row in range(windows.wanted[t], windows.starts[t + 1]):
            if row - windows.starts[t] - windows.first[place] < n - 1:
                out[place] = np.nan
            place += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _insert(ordered: Floats, count: int, value: float) -> None:
    """Put `value` in its place among the first `count` values of `ordered`."""
    k = count
    while k > 0 and ordered[k - 1] > value:
        ordered[k] = ordered[k - 1]
        k -= 1
    ordered[k] = value


@njit(cache=True, nogil=True, error_model="numpy")
def _replace(ordered: Floats, old: float, value: float) -> None:
    """Take `old` out of the full `ordered` and put `value` in its place."""
    k = 0
    while ordered[k] < old:
        k += 1
    while k + 1 < len(ordered) and ordered[k + 1] < value:
        ordered[k] = ordered[k + 1]
        k += 1
    while k > 0 and ordered[k - 1] > value:
        ordered[k] = ordered[k - 1]
        k -= 1
    ordered[k] = value
