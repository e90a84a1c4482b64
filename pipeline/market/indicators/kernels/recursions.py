"""The recursive averages by their parameters: how fast each forgets, and what of its seed is left after k bars."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Recursion(NamedTuple):
    """An average v = v + new × (x − v) that begins with the mean of its first `n` values.

    The first `lead` bars of a window have no value (a change needs the bar before). `kept[k]` is the weight left to a
    value after k more bars. Where no value is negative, another seed changes the average k bars later by at most
    `trace[k]` × the average at the seed.
    """

    n: int
    lead: int
    new: float
    kept: Floats
    trace: Floats


class Macd(NamedTuple):
    """The difference of two averages and its signal line.

    `fast_answer[k]` and `slow_answer[k]`: how far the signal at the k-th bar after a window's first moves when the seed
    of that average moves by 1. `most[k]`: what another seed can move there at most, as a share of the highest price.
    """

    fast: Recursion
    slow: Recursion
    signal: Recursion
    fast_answer: Floats
    slow_answer: Floats
    most: Floats


def exponential(n: int, lookback: int) -> Recursion:
    """Return the exponential average of `n` bars: the newest weighs 2 / (n + 1)."""
    return _recursion(n, 0, 2.0 / (n + 1), lookback)


def wilder(n: int, lookback: int) -> Recursion:
    """Return Wilder's average of `n` changes from bar to bar: the newest weighs 1 / n."""
    return _recursion(n, 1, 1.0 / n, lookback)


def macd(fast: int, slow: int, signal: int, lookback: int) -> Macd:
    """Return the MACD of exponential averages of `fast` and `slow` bars, with an average of `signal` of its values."""
    quick, lazy, smoothing = (exponential(n, lookback) for n in (fast, slow, signal))
    answers = [_answer(average, smoothing, slow - 1, lookback) for average in (quick, lazy)]
    ready = slow + signal - 2
    # Two values that are never negative differ by no more than the peak, two differences of such by twice that.
    most = 2 * _later(smoothing.kept, ready)
    for average, answer in zip((quick, lazy), answers, strict=True):
        most += np.maximum(_later(average.kept, average.n - 1), answer)
    return Macd(quick, lazy, smoothing, answers[0], answers[1], most)


def _recursion(n: int, lead: int, new: float, lookback: int) -> Recursion:
    kept = (1.0 - new) ** np.arange(lookback + 1, dtype=np.float64)
    # The mean of n values up to a bar is at most the average there / the smallest weight one of them has in it.
    smallest = n * new * (1.0 - new) ** (n - 1)
    return Recursion(n, lead, new, kept, kept / smallest if smallest else np.full(lookback + 1, np.inf))


def _answer(average: Recursion, smoothing: Recursion, begin: int, lookback: int) -> Floats:
    """Return `smoothing` of the trace that a unit in the seed of `average` leaves, read from the bar `begin` on."""
    trace = _later(average.kept, average.n - 1)
    answer = np.zeros(lookback + 1)
    last = begin + smoothing.n - 1
    if last <= lookback:
        answer[last] = trace[begin : last + 1].mean()
    for k in range(last + 1, lookback + 1):
        answer[k] = answer[k - 1] + smoothing.new * (trace[k] - answer[k - 1])
    return answer


def _later(kept: Floats, bars: int) -> Floats:
    """Return `kept` counted from `bars` bars earlier on, 0 before it begins."""
    moved = np.zeros(len(kept))
    moved[bars:] = kept[: max(len(kept) - bars, 0)]
    return moved
