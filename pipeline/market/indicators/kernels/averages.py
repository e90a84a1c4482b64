"""Recursive averages (EMA, Wilder's, MACD, RSI, ATR), each value seeded inside the look-back window of its bar.

Run once from a ticker's first bar, an average gives R[i] at bar i. Begun at the window's first bar instead, with the
seed S at bar j, it would be R[i] + (1 − new)^(i − j) × (S − R[j]), because the recursion is linear: the value of the
window for n additions instead of a run through it. Three cases remain:

- The window begins with the ticker's first bar of the panel: R[i] is exact.
- The correction is negligible (below 1e-13 of the value, as in a settled average): R[i] it is. That is known without S,
  since it is at most `trace` × R[j].
- The correction dwarfs the value (after a fall from 100,000 to 0.01): digits would cancel, so the window is run afresh.

MACD crosses zero, so there "negligible" is measured against the close, and bounded by the ticker's highest close.
"""

import numpy as np
from numba import njit

from pipeline.market.indicators.kernels.recursions import Floats, Macd, Recursion
from pipeline.market.indicators.kernels.windows import Windows

NEGLIGIBLE = 1e-13
CANCELLING = 8.0
TINY = 1e-280
"""A value that has decayed to this counts as 0. Else it would become a denormal number, which never decays to zero."""


@njit(cache=True, nogil=True, error_model="numpy")
def averages(x: Floats, windows: Windows, recursion: Recursion) -> Floats:
    """Return the average of `x` (no value negative) at every wanted bar, NaN where the window is too short."""
    out = np.empty(len(windows.first))
    running, values = np.empty(windows.longest), np.empty(windows.longest)
    for t in range(len(windows.wanted)):
        start, end = windows.starts[t], windows.starts[t + 1]
        if windows.wanted[t] < end:
            for i in range(start, end):
                values[i - start] = x[i]
            _run(values[: end - start], recursion.lead, recursion, running)
            _emit(values[: end - start], t, windows, recursion, running, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def true_ranges(high: Floats, low: Floats, close: Floats, windows: Windows, recursion: Recursion) -> Floats:
    """Return the average true range: how far a bar and the close before it reach, from a window's second bar on."""
    out = np.empty(len(windows.first))
    running, reach = np.empty(windows.longest), np.zeros(windows.longest)
    for t in range(len(windows.wanted)):
        start, end = windows.starts[t], windows.starts[t + 1]
        if windows.wanted[t] == end:
            continue
        for i in range(start + 1, end):
            reach[i - start] = max(high[i], close[i - 1]) - min(low[i], close[i - 1])
        _run(reach[: end - start], recursion.lead, recursion, running)
        _emit(reach[: end - start], t, windows, recursion, running, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def relative_strength(close: Floats, windows: Windows, recursion: Recursion) -> Floats:
    """Return the RSI: 100 × average gain / (average gain + average loss), 0 when both are zero."""
    out, losses_out = np.empty(len(windows.first)), np.empty(len(windows.first))
    running = np.empty((2, windows.longest))
    gains, losses = np.zeros(windows.longest), np.zeros(windows.longest)
    for t in range(len(windows.wanted)):
        start, end = windows.starts[t], windows.starts[t + 1]
        if windows.wanted[t] == end:
            continue
        for i in range(start + 1, end):
            change = close[i] - close[i - 1]
            # Exact, and without a branch that nothing could predict.
            gains[i - start] = (abs(change) + change) / 2
            losses[i - start] = (abs(change) - change) / 2
        _run_both(gains[: end - start], losses[: end - start], recursion, running)
        _emit(gains[: end - start], t, windows, recursion, running[0], out)
        _emit(losses[: end - start], t, windows, recursion, running[1], losses_out)
    for place in range(len(out)):
        moved = out[place] + losses_out[place]
        out[place] = 0.0 if moved == 0.0 else 100.0 * (out[place] / moved)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def macd_lines(close: Floats, windows: Windows, macd: Macd) -> tuple[Floats, Floats]:
    """Return MACD (fast − slow average of the close) and its signal line at every wanted bar, NaN where too young."""
    lines, signals = np.empty(len(windows.first)), np.empty(len(windows.first))
    running, values = np.empty((4, windows.longest)), np.empty(windows.longest)
    ready = macd.slow.n + macd.signal.n - 2
    for t in range(len(windows.wanted)):
        start, end = windows.starts[t], windows.starts[t + 1]
        if windows.wanted[t] == end:
            continue
        peak = 0.0
        for i in range(start, end):
            values[i - start] = close[i]
            peak = max(peak, close[i])
        bars = values[: end - start]
        _run_macd(bars, macd, running)
        before = windows.wanted[t] - start
        for i in range(before, end - start):
            place = windows.offsets[t] + i - before
            first = int(windows.first[place])
            settled = first == 0 or macd.most[i - first] * peak <= NEGLIGIBLE * bars[i]
            if settled and i - first >= ready:
                lines[place], signals[place] = running[2, i], running[3, i]
            else:
                lines[place], signals[place] = _macd_in_window(bars, running, i, first, macd)
    return lines, signals


@njit(cache=True, nogil=True, error_model="numpy")
def _mean(x: Floats, begin: int, n: int) -> float:
    total = 0.0
    for i in range(begin, begin + n):
        total += x[i]
    return total / n


@njit(cache=True, nogil=True, error_model="numpy")
def _run(x: Floats, begin: int, recursion: Recursion, running: Floats) -> None:
    """Fill `running` with the average of `x` seeded by x[begin : begin + n], from that seed's last bar on."""
    last = begin + recursion.n - 1
    if last >= len(x):
        return
    value = _mean(x, begin, recursion.n)
    running[last], least = value, abs(value)
    for i in range(last + 1, len(x)):
        value += recursion.new * (x[i] - value)
        running[i], least = value, min(least, abs(value))
    if least < TINY:
        _run_to_nothing(x, last, recursion, running)


@njit(cache=True, nogil=True, error_model="numpy")
def _run_to_nothing(x: Floats, last: int, recursion: Recursion, running: Floats) -> None:
    """Fill `running` again after its seed at bar `last`, with tiny values as 0; the check for them takes time."""
    value = running[last]
    for i in range(last + 1, len(x)):
        value += recursion.new * (x[i] - value)
        if abs(value) < TINY:
            value = 0.0
        running[i] = value


@njit(cache=True, nogil=True, error_model="numpy")
def _run_both(x: Floats, y: Floats, recursion: Recursion, running: Floats) -> None:
    """Fill the rows of `running` with the averages of `x` and `y`, no value negative; side by side, as steps wait."""
    last = recursion.lead + recursion.n - 1
    if last >= len(x):
        return
    value, other = _mean(x, recursion.lead, recursion.n), _mean(y, recursion.lead, recursion.n)
    running[0, last], running[1, last] = value, other
    least = min(value, other)
    for i in range(last + 1, len(x)):
        value += recursion.new * (x[i] - value)
        other += recursion.new * (y[i] - other)
        running[0, i], running[1, i] = value, other
        least = min(least, value, other)
    if least < TINY:
        _run_to_nothing(x, last, recursion, running[0])
        _run_to_nothing(y, last, recursion, running[1])


@njit(cache=True, nogil=True, error_model="numpy")
def _afresh(x: Floats, begin: int, i: int, recursion: Recursion) -> float:
    """Return the average at bar `i` by running it from its seed x[begin : begin + n]."""
    value = _mean(x, begin, recursion.n)
    for k in range(begin + recursion.n, i + 1):
        value += recursion.new * (x[k] - value)
        if abs(value) < TINY:
            value = 0.0
    return value


@njit(cache=True, nogil=True, error_model="numpy")
def _corrected(x: Floats, running: Floats, i: int, begin: int, recursion: Recursion) -> float:
    """Return the average at bar `i` seeded by x[begin : begin + n], from `running`, which was seeded earlier."""
    last = begin + recursion.n - 1
    correction = recursion.kept[i - last] * (_mean(x, begin, recursion.n) - running[last])
    value = running[i] + correction
    if abs(correction) > CANCELLING * value:
        return _afresh(x, begin, i, recursion)
    return value


@njit(cache=True, nogil=True, error_model="numpy")
def _emit(x: Floats, t: int, windows: Windows, recursion: Recursion, running: Floats, out: Floats) -> None:  # noqa: PLR0913, PLR0917
    """Write the averages of ticker `t`: its bars have the values `x`, and run from its first on, they are `running`."""
    before = windows.wanted[t] - windows.starts[t]
    firsts = windows.first[windows.offsets[t] : windows.offsets[t + 1]]
    ready = recursion.lead + recursion.n - 1
    for i in range(before, len(x)):
        first = int(firsts[i - before])
        age = i - first - ready
        if age < 0:
            value = np.nan
        elif first == 0 or recursion.trace[age] * running[first + ready] <= NEGLIGIBLE * running[i]:
            value = running[i]
        else:
            value = _corrected(x, running, i, first + recursion.lead, recursion)
        out[windows.offsets[t] + i - before] = value


@njit(cache=True, nogil=True, error_model="numpy")
def _run_macd(close: Floats, macd: Macd, running: Floats) -> None:
    """Fill the rows of `running`: fast average, slow average, their difference, its signal line."""
    ready = macd.slow.n + macd.signal.n - 1
    _run_macd_by_lines(close[:ready], macd, running)
    if ready >= len(close):
        return
    fast, slow, signal = running[0, ready - 1], running[1, ready - 1], running[3, ready - 1]
    least = TINY
    # Side by side, as each step of a line waits for its last.
    for i in range(ready, len(close)):
        fast += macd.fast.new * (close[i] - fast)
        slow += macd.slow.new * (close[i] - slow)
        line = fast - slow
        signal += macd.signal.new * (line - signal)
        running[0, i], running[1, i], running[2, i], running[3, i] = fast, slow, line, signal
        least = min(least, fast, slow, abs(signal))
    if least < TINY:
        _run_macd_by_lines(close, macd, running)


@njit(cache=True, nogil=True, error_model="numpy")
def _run_macd_by_lines(close: Floats, macd: Macd, running: Floats) -> None:
    """Fill the rows of `running` one after the other."""
    _run(close, macd.fast.lead, macd.fast, running[0])
    _run(close, macd.slow.lead, macd.slow, running[1])
    for i in range(macd.slow.n - 1, len(close)):
        running[2, i] = running[0, i] - running[1, i]
    _run(running[2, : len(close)], macd.slow.n - 1, macd.signal, running[3])


@njit(cache=True, nogil=True, error_model="numpy")
def _macd_afresh(close: Floats, first: int, i: int, macd: Macd) -> tuple[float, float]:
    """Return difference and signal at bar `i` by running all averages from the window's first bar."""
    begin = first + macd.slow.n - 1
    fast, slow = _afresh(close, first, begin, macd.fast), _mean(close, first, macd.slow.n)
    total = fast - slow
    signal = total / macd.signal.n
    for k in range(begin + 1, i + 1):
        fast += macd.fast.new * (close[k] - fast)
        slow += macd.slow.new * (close[k] - slow)
        if k - begin < macd.signal.n:
            total += fast - slow
            signal = total / macd.signal.n
        else:
            signal += macd.signal.new * (fast - slow - signal)
    return fast - slow, signal


@njit(cache=True, nogil=True, error_model="numpy")
def _macd_in_window(close: Floats, running: Floats, i: int, first: int, macd: Macd) -> tuple[float, float]:
    """Return difference and signal at bar `i` seeded at the window's `first` bar, from `running`, seeded earlier."""
    begin = first + macd.slow.n - 1
    ready = begin + macd.signal.n - 1
    if i < begin:
        return np.nan, np.nan
    if i < ready:
        return _macd_afresh(close, first, i, macd)[0], np.nan
    fast_last, slow_last = first + macd.fast.n - 1, begin
    fast_kept, slow_kept = macd.fast.kept[i - fast_last], macd.slow.kept[i - slow_last]
    fast_answer, slow_answer = macd.fast_answer[i - first], macd.slow_answer[i - first]
    signal_kept = macd.signal.kept[i - ready]
    fast_moved = _mean(close, first, macd.fast.n) - running[0, fast_last]
    slow_moved = _mean(close, first, macd.slow.n) - running[1, slow_last]
    signal_moved = _mean(running[2], begin, macd.signal.n) - running[3, ready]
    size = (
        max(fast_kept, fast_answer) * abs(fast_moved)
        + max(slow_kept, slow_answer) * abs(slow_moved)
        + signal_kept * abs(signal_moved)
    )
    if size > CANCELLING * close[i]:
        return _macd_afresh(close, first, i, macd)
    line = running[2, i] + fast_kept * fast_moved - slow_kept * slow_moved
    signal = running[3, i] + signal_kept * signal_moved + fast_answer * fast_moved - slow_answer * slow_moved
    return line, signal
