"""TA-Lib as an independent oracle, over a grid of parameters and series."""

import numpy as np
import polars as pl
import pytest
import talib

from assets_tests.market.indicators.tape import SESSIONS, hard_series, traded, wandering
from assets_tests.stocks import LOOKBACK_SESSIONS, indicators
from pipeline.market.indicators import Indicator
from pipeline.market.indicators.families import (
    bollinger_bands,
    exponential_average,
    macd,
    relative_strength,
    simple_average,
    true_range,
)


def histories() -> pl.DataFrame:
    """Return tickers of every length from 1 to 60, and hard series of 300 bars, traded with gaps."""
    frames = [traded(wandering(n, seed=n), ticker=f"young {n}", seed=n) for n in range(1, 61)]
    frames += [
        traded(close, ticker=name, seed=k, at=range(0, 900, 3))
        for k, (name, close) in enumerate(hard_series(300).items())
    ]
    return pl.concat(frames)


@pytest.fixture(scope="module")
def market() -> pl.DataFrame:
    return histories()


def assert_agrees(market: pl.DataFrame, declared: list[Indicator], oracle, *, within: float = 1e-9) -> None:
    """Compare the columns with `oracle(high, low, close)`, ticker by ticker, relative to the ticker's highest price."""
    ours = indicators(market, SESSIONS, SESSIONS[0], declared=declared, lookback=1000)
    for (ticker,), bars in market.group_by(["ticker"]):
        high, low, close = (bars[name].to_numpy() for name in ("high", "low", "close"))
        mine = ours.filter(pl.col("ticker") == ticker).drop("ticker", "session")
        for name, expected in zip(mine.columns, oracle(high, low, close), strict=True):
            got = mine[name].fill_null(np.nan).to_numpy()
            scale = 100 if name.startswith("rsi") else np.max(high)
            np.testing.assert_allclose(got, expected, rtol=0, atol=within * scale, err_msg=f"{name} of {ticker}")


@pytest.mark.parametrize("n", [2, 3, 7, 20, 50, 200])
def test_simple_averages_are_those_of_talib(market, n):
    assert_agrees(market, [simple_average(n)], lambda _h, _l, close: [talib.SMA(close, n)])


@pytest.mark.parametrize("n", [2, 5, 12, 26, 100])
def test_exponential_averages_are_those_of_talib(market, n):
    assert_agrees(market, [exponential_average(n)], lambda _h, _l, close: [talib.EMA(close, n)])


@pytest.mark.parametrize("n", [2, 3, 14, 30])
def test_rsi_is_that_of_talib(market, n):
    assert_agrees(market, [relative_strength(n)], lambda _h, _l, close: [talib.RSI(close, n)])


@pytest.mark.parametrize("n", [1, 2, 14, 30])
def test_average_true_range_is_that_of_talib(market, n):
    assert_agrees(market, [true_range(n)], lambda high, low, close: [talib.ATR(high, low, close, n)])


@pytest.mark.parametrize(("n", "width"), [(2, 1), (20, 2), (20, 2.5), (50, 3)])
def test_bands_are_those_of_talib(market, n, width):
    # TA-Lib takes the variance as a difference of squares and loses half of the digits.
    assert_agrees(
        market, [bollinger_bands(n, width)], lambda _h, _l, close: talib.BBANDS(close, n, width, width), within=3e-7
    )


@pytest.mark.parametrize(("fast", "slow", "signal"), [(2, 3, 2), (3, 10, 16), (12, 26, 9), (5, 35, 5), (26, 26, 9)])
def test_macd_is_the_difference_of_talibs_averages_and_their_average(market, fast, slow, signal):
    def oracle(_high, _low, close):
        line = talib.EMA(close, fast) - talib.EMA(close, slow)
        known = line[slow - 1 :]
        smoothed = np.full(len(close), np.nan)
        if len(known) > 1:
            smoothed[slow - 1 :] = talib.EMA(known, signal)
        return line, smoothed, line - smoothed

    assert_agrees(market, [macd(fast, slow, signal)], oracle)


def test_a_settled_macd_is_that_of_talib_which_seeds_the_fast_average_later():
    close = wandering(800, seed=8)
    bars = traded(close, ticker="A", seed=8)
    ours = indicators(bars, SESSIONS, SESSIONS[799], declared=[macd(12, 26, 9)])
    expected = [line[-1] for line in talib.MACD(close, 12, 26, 9)]
    np.testing.assert_allclose(
        ours.select("macd", "macd_signal", "macd_histogram").row(0), expected, atol=1e-11 * close[-1]
    )


@pytest.mark.parametrize("every", [1, 5])
@pytest.mark.parametrize("name", hard_series(2))
def test_a_value_deep_in_history_is_what_talib_gives_for_its_window_alone(name, every):
    close = hard_series(1400)[name][::every]
    at = range(0, 1400, every)
    bars = traded(close, ticker="A", seed=5, at=at)
    declared = [exponential_average(12), exponential_average(26), relative_strength(14), true_range(14)]
    ours = indicators(bars, SESSIONS, SESSIONS[0], declared=declared)
    for row in range(0, len(bars), 1 + 36 // every):
        begin = next(k for k in range(row + 1) if at[k] > at[row] - LOOKBACK_SESSIONS)
        window = bars[begin : row + 1]
        high, low, price = (window[column].to_numpy() for column in ("high", "low", "close"))
        averages = [talib.EMA(price, 12)[-1], talib.EMA(price, 26)[-1]]
        expected = [*averages, talib.RSI(price, 14)[-1], talib.ATR(high, low, price, 14)[-1]]
        got = [np.nan if value is None else value for value in ours.row(row)[2:]]
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=0, err_msg=f"row {row}")
