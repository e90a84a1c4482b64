import pytest

from assets_tests.market.holdings import day, dividends, splits
from assets_tests.market.portfolio.sell.sights import days_of, only, signals_of


def test_a_stop_is_hit_by_the_low():
    signals = signals_of({0: 100, 1: 100}, of_day={"low": {1: 95}}, stop=95)
    stop = only(signals, "stop_hit")
    assert (stop["severity"], stop["value"], stop["threshold"]) == ("high", 95, 95)
    assert stop["reasons"] == ["Fell to 95.00; the stop is 95.00"]


def test_a_low_above_the_stop_says_nothing():
    assert signals_of({0: 100, 1: 96}, of_day={"low": {1: 95.01}}, stop=95).is_empty()


def test_an_open_below_the_stop_is_in_the_reason():
    signals = signals_of({0: 100, 1: 93}, of_day={"open": {1: 90}, "low": {1: 89.5}}, stop=95)
    assert only(signals, "stop_hit")["reasons"] == [
        "Fell to 89.50; the stop is 95.00",
        "Opened at 90.00, already 5.3 % below the stop",
    ]


def test_the_low_of_the_session_of_the_purchase_may_lie_before_it_and_hits_no_stop():
    assert signals_of({0: 100}, of_day={"low": {0: 90}, "high": {0: 130}}, stop=95, target=120).is_empty()


def test_the_close_of_the_session_of_the_purchase_does():
    signals = signals_of({0: 94}, of_day={"open": {0: 90}, "low": {0: 80}}, stop=95)
    assert only(signals, "stop_hit")["reasons"] == ["Fell to 94.00; the stop is 95.00"]


def test_a_split_hits_no_stop():
    assert signals_of({0: 100, 1: 50}, stop=95, known_splits=splits(("A", 1, 1, 2))).is_empty()


def test_a_split_adjusted_stop_is_hit():
    stop = only(signals_of({0: 100, 1: 47.5}, stop=95, known_splits=splits(("A", 1, 1, 2))), "stop_hit")
    assert stop["threshold"] == 47.5


def test_a_low_a_hair_above_a_stop_of_a_million_does_not_hit_it():
    low_of = {"of_day": {"low": {1: 999_999.995}}, "price": 1_000_000, "stop": 999_999.99}
    assert days_of(signals_of({0: 1_000_000, 1: 1_000_000}, **low_of), "stop_hit") == []
    assert days_of(signals_of({0: 1_000_000, 1: 999_999.99}, price=1_000_000, stop=999_999.99), "stop_hit") == [1]


def test_a_stop_of_seventy_cents_before_one_for_ten_is_hit_at_seven():
    split = splits(("A", 1, 10, 1))
    signals = signals_of({0: 0.9, 1: 7.4}, of_day={"low": {1: 7.0}}, price=0.95, stop=0.70, known_splits=split)
    assert only(signals, "stop_hit")["reasons"] == ["Fell to 7.00; the stop is 7.00"]


def test_a_stop_lowered_by_a_dividend_says_so_when_it_is_hit():
    paid = dividends(("A", 1, 30.0))
    low_of = {"low": {1: 67.4, 2: 44.9}}
    signals = signals_of({0: 97.58, 1: 69, 2: 50}, price=86, stop=75, paid=paid, of_day=low_of)
    assert days_of(signals, "stop_hit") == [2]
    assert only(signals, "stop_hit")["reasons"] == [
        f"Fell to 44.90; the stop is 45.00: 75.00 less the dividend of 30.00 of {day(1)}"
    ]


def test_a_stop_lowered_by_several_dividends_names_their_sum_and_the_last():
    paid = dividends(("A", 1, 1.5), ("A", 2, 0.5))
    signals = signals_of({0: 100, 1: 90, 2: 73}, stop=75, paid=paid)
    assert only(signals, "stop_hit")["reasons"] == [
        f"Fell to 73.00; the stop is 73.00: 75.00 less 2 dividends of 2.00 in all, the last of {day(2)}"
    ]


def test_a_trailing_stop_hangs_below_the_lowered_peak():
    ranges, paid = [{"at": number, "atr_14": 4.0} for number in range(4)], dividends(("A", 2, 30.0))
    signals = signals_of({0: 100, 1: 120, 2: 78, 3: 77.99}, *ranges, paid=paid)
    assert days_of(signals, "trailing_stop") == [3]
    assert only(signals, "trailing_stop")["reasons"] == [
        "Closes at 77.99, below the trailing stop of 78.00: 3 average true ranges (4.00) under the peak of 90.00: "
        f"120.00 less the dividend of 30.00 of {day(2)}"
    ]


def test_a_target_is_hit_by_the_high_and_an_open_above_it_is_in_the_reason():
    signals = signals_of(
        {0: 100, 1: 125, 2: 124}, of_day={"open": {1: 110, 2: 123}, "high": {1: 120.5, 2: 126}}, target=120
    )
    assert days_of(signals, "target_hit") == [1, 2]
    assert signals["reasons"].to_list() == [
        ["Rose to 120.50; the target is 120.00"],
        ["Rose to 126.00; the target is 120.00", "Opened at 123.00, already 2.5 % above the target"],
    ]


def test_the_trailing_stop_hangs_three_ranges_below_the_highest_close():
    ranges = [{"at": number, "atr_14": 4.0} for number in range(4)]
    signals = signals_of({0: 100, 1: 120, 2: 108, 3: 107.99}, *ranges)
    trailing = only(signals, "trailing_stop")
    assert days_of(signals, "trailing_stop") == [3]
    assert (trailing["value"], trailing["threshold"]) == (107.99, 108)
    assert trailing["reasons"] == [
        "Closes at 107.99, below the trailing stop of 108.00: 3 average true ranges (4.00) under the peak of 120.00"
    ]


def test_the_trailing_stop_follows_a_split():
    ranges = [{"at": 0, "atr_14": 4.0}, {"at": 1, "atr_14": 2.0}]
    assert signals_of({0: 100, 1: 44.5}, *ranges, known_splits=splits(("A", 1, 1, 2))).is_empty()
    assert days_of(signals_of({0: 100, 1: 43.9}, *ranges, known_splits=splits(("A", 1, 1, 2))), "trailing_stop") == [1]


def test_the_macd_crosses_down_when_its_histogram_turns_negative():
    rows = [
        {"at": number, "macd": 1.0, "macd_signal": 1.0 - histogram, "macd_histogram": histogram}
        for number, histogram in enumerate([0.5, 0.0, -0.25, -0.5, 0.1])
    ]
    signals = signals_of(dict.fromkeys(range(5), 100), *rows)
    assert days_of(signals, "macd_cross_down") == [2]
    cross = only(signals, "macd_cross_down")
    assert (cross["value"], cross["threshold"], cross["severity"]) == (1.0, 1.25, "medium")
    assert cross["reasons"] == ["MACD crosses below its signal line (histogram -0.25 % of the price)"]


def test_a_cross_is_seen_over_a_halt_but_not_over_a_long_silence():
    above, below = {"macd": 0.0, "macd_signal": -0.5}, {"macd": 0.0, "macd_signal": 0.5}
    before, after = above | {"at": 0, "macd_histogram": 0.5}, below | {"macd_histogram": -0.5}
    assert days_of(signals_of({0: 100, 20: 100}, before, after | {"at": 20}), "macd_cross_down") == [20]
    assert days_of(signals_of({0: 100, 21: 100}, before, after | {"at": 21}), "macd_cross_down") == []


def test_a_close_under_the_average_is_a_signal_in_every_session():
    rows = [{"at": number, "sma_50": 110.0} for number in range(3)]
    signals = signals_of({0: 110, 1: 104.5, 2: 109}, *rows)
    assert days_of(signals, "close_under_sma_50") == [1, 2]
    assert signals["reasons"].to_list()[0] == ["Closes at 104.50, 5.0 % below its 50-day average of 110.00"]


@pytest.mark.parametrize(
    ("before", "now", "speaks"), [(75, 74.9, True), (75, 75, False), (70, 60, False), (71, 69, True)]
)
def test_an_overbought_rsi_speaks_when_it_falls(before, now, speaks):
    signals = signals_of({0: 100, 1: 100}, {"at": 0, "rsi_14": before}, {"at": 1, "rsi_14": now})
    assert days_of(signals, "rsi_turns_down") == ([1] if speaks else [])


def test_a_td_sell_setup_speaks_on_its_ninth_bar_and_says_when_it_is_perfected():
    rows = [{"at": number, "td_setup": -8 - number % 2, "td_perfected": number == 3} for number in range(4)]
    signals = signals_of(dict.fromkeys(range(4), 100), *rows)
    assert days_of(signals, "td_sell_setup") == [1, 3]
    assert [len(reasons) for reasons in signals["reasons"].to_list()] == [1, 2]
    assert days_of(signals_of({0: 100}, {"at": 0, "td_setup": 9}), "td_sell_setup") == []


def test_a_position_without_a_profit_after_twenty_sessions_has_had_its_time():
    signals = signals_of(dict.fromkeys(range(23), 99))
    assert days_of(signals, "time_stop") == [20, 21, 22]
    assert signals["reasons"].to_list()[0] == ["Held 20 sessions without a profit: down 1.0 %"]
    assert signals_of(dict.fromkeys(range(23), 100.1)).is_empty()
    assert only(signals_of(dict.fromkeys(range(21), 100)), "time_stop")["reasons"][0].endswith("even")


def test_a_ticker_without_a_bar_says_nothing_but_that_time_passes():
    rows = [{"at": 0, "sma_50": 200.0, "atr_14": 1.0}]
    assert signals_of({0: 100, 30: 100}, *rows, stop=99, target=101, sessions=tuple(range(1, 20))).is_empty()
    assert days_of(signals_of({0: 99, 30: 100}, sessions=(25,)), "time_stop") == [25]


def test_penny_prices_keep_their_digits():
    signals = signals_of({0: 0.5, 1: 0.0312}, price=0.5, stop=0.04)
    assert only(signals, "stop_hit")["reasons"][0] == "Fell to 0.0312; the stop is 0.0400"
