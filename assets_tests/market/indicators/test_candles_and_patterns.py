"""Cases worked out by hand: candles, volumes, returns, TD setups, swings."""

import pytest

from assets_tests.market.indicators.tape import SESSIONS, tape
from assets_tests.stocks import indicators
from pipeline.market.indicators import Indicator
from pipeline.market.indicators.families import (
    bars_held,
    candle_body,
    dollar_volume,
    extremes,
    sequential_setup,
    simple_return,
    swings,
    volume_average,
)


def column(name: str, bars, *declared: Indicator, lookback: int = 300) -> list:
    return indicators(bars, SESSIONS, SESSIONS[0], declared=declared, lookback=lookback)[name].to_list()


def test_a_candles_body_spans_open_and_close_and_its_color_is_their_order():
    bars = tape([11, 9, 10], open_=[10.0, 10.0, 10.0], high=[12.0, 12.0, 12.0], low=[8.0, 8.0, 8.0])
    assert column("candle_high", bars, candle_body()) == [11, 10, 10]
    assert column("candle_low", bars, candle_body()) == [10, 9, 10]
    assert column("candle_mid", bars, candle_body()) == [10.5, 9.5, 10]
    assert column("candle_color", bars, candle_body()) == [1, -1, 0]


def test_dollar_volume_is_the_median_and_of_an_even_count_the_mean_of_the_middle_two():
    bars = tape([1, 2, 3, 4, 5], volume=[10.0, 100.0, 1.0, 5.0, 2.0])
    # close × volume: 10, 200, 3, 20, 10
    assert column("dollar_volume_3", bars, dollar_volume(3)) == [None, None, 10, 20, 10]
    assert column("dollar_volume_4", bars, dollar_volume(4)) == [None, None, None, 15, 15]


def test_relative_volume_compares_with_the_mean_that_includes_the_bar_and_is_null_without_volume():
    bars = tape([5] * 5, volume=[0.0, 0.0, 4.0, 2.0, 0.0])
    assert column("volume_sma_2", bars, volume_average(2)) == [None, 0, 2, 3, 1]
    assert column("relative_volume", bars, volume_average(2)) == [None, None, 2, pytest.approx(2 / 3), 0]


def test_a_return_counts_bars_and_is_null_when_the_window_does_not_reach_so_far():
    bars = tape([10, 20, 30, 15], at=[0, 1, 8, 9])
    assert column("return_2", bars, simple_return(2)) == [None, None, 2, -0.25]
    assert column("return_2", bars, simple_return(2), lookback=9) == [None, None, 2, -0.25]
    assert column("return_2", bars, simple_return(2), lookback=8) == [None, None, None, None]


def test_extremes_are_the_highest_high_and_the_lowest_low():
    bars = tape([5, 5, 5, 5], high=[9.0, 6.0, 7.0, 5.0], low=[4.0, 1.0, 5.0, 3.0])
    assert column("high_2", bars, extremes(2)) == [None, 9, 7, 7]
    assert column("low_2", bars, extremes(2)) == [None, 1, 1, 3]


def test_bars_counts_those_of_the_last_sessions_traded_or_not():
    # The fourth bar's sessions are 1 … 5, the fifth's 2 … 6.
    bars = tape([1] * 6, at=[0, 1, 2, 5, 6, 20])
    assert column("bars", bars, bars_held(), lookback=5) == [1, 2, 3, 3, 3, 1]


RISE_THEN_FALL = [10, 11, 12, 13, 14, 15, *[9, 8, 7, 6, 5, 4, 3, 2, 1]]
"""Bars 4 and 5 close above the close four bars earlier; from bar 6 on every close is below it: 9 < 12, 8 < 13 …"""


def test_a_buy_setup_counts_from_the_price_flip_to_nine():
    # Bars 4 and 5 are sell-wise, but no flip into that direction is seen: they do not count.
    counts = column("td_setup", tape(RISE_THEN_FALL), sequential_setup())
    assert counts == [None, None, None, None, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_sell_setup_is_the_mirror_of_a_buy_setup():
    counts = column("td_setup", tape([20 - price for price in RISE_THEN_FALL]), sequential_setup())
    assert counts == [None, None, None, None, 0, 0, -1, -2, -3, -4, -5, -6, -7, -8, -9]


def test_after_nine_the_count_is_zero_until_the_next_flip():
    # Two more lower closes, then 1.5 above the 1 of four bars earlier: a flip into a sell setup.
    counts = column("td_setup", tape([*RISE_THEN_FALL, 0.5, 0.4, 0.3, 1.5]), sequential_setup())
    assert counts[14:] == [9, 0, 0, 0, -1]


def test_an_equal_close_ends_a_count_and_a_new_one_may_follow_it():
    closes = [10, 10, 10, 10, 11, 9, 8, 10, 10, 8]
    # Bar 4: 11 > 10. Bars 5, 6: 9, 8 < 10, a flip. Bar 7: 10 = 10. Bar 8: 10 < 11, after an equal close. Bar 9: 8 < 9.
    assert column("td_setup", tape(closes), sequential_setup()) == [None] * 4 + [0, 1, 2, 0, 1, 2]


def test_a_flip_that_has_left_the_window_starts_no_count():
    # In a window of seven sessions bar 8 is compared from bar 6 on, and bar 6 is already below: its flip is not seen.
    counts = column("td_setup", tape(RISE_THEN_FALL), sequential_setup(), lookback=7)
    assert counts[6:10] == [1, 2, 0, 0]


@pytest.mark.parametrize(
    ("last_lows", "perfected"),
    [
        ([4.0, 3.0, 3.5, 3.0], True),  # bar 9 reaches the low of bar 7
        ([4.0, 3.0, 2.9, 3.5], True),  # bar 8 goes below it
        ([4.0, 3.0, 3.1, 3.1], False),  # both stay above the low of bar 7
        ([2.0, 3.0, 2.5, 2.5], False),  # below bar 7, not below bar 6
    ],
)
def test_a_setup_is_perfected_when_bar_8_or_9_reaches_the_lows_of_bars_6_and_7(last_lows, perfected):
    bars = tape([price + 10 for price in RISE_THEN_FALL], low=[5.0] * 11 + last_lows)
    assert column("td_perfected", bars, sequential_setup()) == [None] * 4 + [False] * 10 + [perfected]
    mirrored = tape([30 - price for price in RISE_THEN_FALL], high=[95.0] * 11 + [100 - low for low in last_lows])
    assert column("td_perfected", mirrored, sequential_setup())[-1] is perfected


def test_a_swing_low_is_support_only_once_it_is_confirmed():
    bars = tape([9, 8, 6, 8, 9, 9], low=[8.0, 7.0, 5.0, 7.0, 8.0, 8.0])
    # The low of bar 2 is lowest among bars 0 … 4, which is known at bar 4.
    assert column("support", bars, swings(k=2, n=10)) == [None, None, None, None, 5, 5]


def test_a_swing_high_is_resistance_only_once_it_is_confirmed():
    bars = tape([4, 5, 7, 5, 4, 4], high=[5.0, 6.0, 8.0, 6.0, 5.0, 5.0])
    assert column("resistance", bars, swings(k=2, n=10)) == [None, None, None, None, 8, 8]


def test_the_nearest_swing_is_chosen_by_price_and_lies_strictly_beyond_the_close():
    low = [9.0, 5.0, 9.0, 7.0, 9.0, 8.0, 8.5, 7.5, 7.0, 6.0]
    close = [9.0, 5.0, 9.0, 7.0, 9.0, 8.0, 8.5, 8.0, 7.0, 6.5]
    # With k = 1 there are swing lows of 5 (bar 1, known at 2), 7 (bar 3, known at 4), 8 (bar 5, known at 6).
    # Bar 7 closes at 8, which is not above the swing low of 8; bar 8 at 7; bar 9 at 6.5.
    expected = [None, None, 5, 5, 7, 7, 8, 7, 5, 5]
    assert column("support", tape(close, low=low), swings(k=1, n=10)) == expected


def test_the_first_of_equal_lows_is_the_swing():
    bars = tape([9] * 7, low=[8.0, 6.0, 6.0, 8.0, 8.0, 7.9, 7.9])
    # Bar 1 is below the bar before and not above the bar after; bar 2 is not below bar 1. Bar 4 equals bar 3.
    # Bar 5 is below bar 4 and equals bar 6.
    assert column("support", bars, swings(k=1, n=20)) == [None, None, 6, 6, 6, 6, 7.9]


def test_a_swing_is_forgotten_after_n_bars_and_with_the_bars_that_made_it():
    bars = tape([9] * 7, low=[8.0, 5.0, 8.0, 8.0, 8.0, 8.0, 8.0])
    assert column("support", bars, swings(k=1, n=4)) == [None, None, 5, 5, 5, None, None]
    # In a window of four sessions the bar before the swing, bar 0, is last seen at bar 3.
    assert column("support", bars, swings(k=1, n=4), lookback=4) == [None, None, 5, 5, None, None, None]
