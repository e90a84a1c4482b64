"""Averages of what stopped moving: they fall below every number, and end as nothing instead of as a denormal."""

import numpy as np
import pytest

from pipeline.market.indicators.kernels import averages, recursions, rolling
from pipeline.market.indicators.kernels.averages import TINY
from pipeline.market.indicators.kernels.windows import Windows, find_windows
from pipeline.market.indicators.panel import read_only

LENGTH = 1500


def windows() -> Windows:
    return find_windows(np.arange(LENGTH, dtype=np.int32), np.array([0, LENGTH]), 0, LENGTH)


def step_by_step(x: np.ndarray, recursion: recursions.Recursion) -> np.ndarray:
    """Return the average by its definition, with what is below TINY as 0."""
    last = recursion.lead + recursion.n - 1
    values = np.full(len(x), np.nan)
    values[last] = x[recursion.lead : last + 1].mean()
    for i in range(last + 1, len(x)):
        value = values[i - 1] + recursion.new * (x[i] - values[i - 1])
        values[i] = value if abs(value) >= TINY else 0.0
    return values


@pytest.mark.parametrize("n", [1, 2, 3])
def test_an_average_of_zeros_is_zero_once_what_was_before_them_has_decayed(n):
    x = np.concatenate([np.linspace(1, 3, 40), np.zeros(LENGTH - 40)])
    recursion = recursions.exponential(n, LENGTH)
    found = averages.averages(read_only(x), windows(), recursion)
    assert np.array_equal(found, step_by_step(x, recursion), equal_nan=True)
    assert found[-1] == 0.0


def test_strength_is_zero_once_gains_and_losses_have_both_decayed():
    close = np.concatenate([10 + np.sin(np.arange(60.0)), np.full(LENGTH - 60, 10.0)])
    strength = averages.relative_strength(read_only(close), windows(), recursions.wilder(2, LENGTH))
    assert strength[-1] == 0.0
    assert 0 < strength[100] < 100


def test_macd_of_a_price_that_does_not_move_has_no_signal():
    close = np.full(LENGTH, 12.34)
    line, signal = averages.macd_lines(read_only(close), windows(), recursions.macd(3, 6, 4, LENGTH))
    assert np.isnan(line[:5]).all()
    assert np.isnan(signal[:8]).all()
    assert np.abs(line[5:]).max() < 1e-14
    assert np.abs(signal[8:]).max() < 1e-14


def test_a_deviation_is_that_of_the_bars_of_each_window():
    rng = np.random.default_rng(3)
    x, n = rng.uniform(1, 100, LENGTH), 7
    spans = windows()
    middle = rolling.means(read_only(x), spans, n)
    found = rolling.deviations(read_only(x), read_only(middle), spans, n)
    expected = [x[i - n + 1 : i + 1].std() for i in range(n - 1, LENGTH)]
    assert np.isnan(found[: n - 1]).all()
    assert found[n - 1 :] == pytest.approx(expected, rel=1e-12)
