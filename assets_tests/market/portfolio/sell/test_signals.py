from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.market.holdings import NO_SPLITS, SESSIONS, bars, day, history, opening
from assets_tests.market.portfolio.sell.sights import RULES, indicators, signals_of
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.market.portfolio.book import Sale, with_sale
from pipeline.market.portfolio.positions import position_marks
from pipeline.market.portfolio.sell.rule import Rule
from pipeline.market.portfolio.sell.signals import sell_signals

LATER = datetime(2024, 3, 1, tzinfo=UTC)


def test_a_signal_is_new_on_the_first_of_the_sessions_that_say_it():
    signals = signals_of({0: 100, 1: 94, 2: 93, 3: 97, 4: 90}, stop=95)
    assert signals.select("session", "is_new").rows() == [(day(1), True), (day(2), False), (day(4), True)]


def test_news_is_distinguished_by_rule_and_position():
    prices = bars("A", {0: 100, 1: 94, 2: 94})
    book = history(opening(stop=95), opening(at=1, stop=95, target=94))
    marks = position_marks(book, prices, NO_SPLITS, SESSIONS[:3])
    found = sell_signals(marks, prices, indicators(), RULES)
    assert found.select("position", "session", "rule", "is_new").rows() == [
        (1, day(1), "stop_hit", True),
        (1, day(2), "stop_hit", False),
        (2, day(1), "stop_hit", True),
        (2, day(1), "target_hit", True),
        (2, day(2), "stop_hit", False),
        (2, day(2), "target_hit", False),
    ]


def test_what_is_sold_on_a_session_is_not_to_be_sold_again():
    book = with_sale(history(opening(stop=95)), NO_SPLITS, Sale("A", 94, day(1)), LATER)
    prices = bars("A", {0: 100, 1: 94})
    assert sell_signals(position_marks(book, prices, NO_SPLITS, SESSIONS[:2]), prices, indicators(), RULES).is_empty()


def test_nothing_held_is_no_signal():
    assert sell_signals(POSITION_MARKS.empty(), bars("A", {0: 1}), indicators(), RULES).equals(SIGNALS.empty())


def test_a_rule_of_one_s_own_takes_part():
    mine = Rule(
        name="half_gone",
        version=3,
        severity="low",
        description="Half of the peak is gone.",
        condition=pl.col("drawdown") <= -0.5,
        value=pl.col("drawdown"),
        threshold=pl.lit(-0.5),
        reasons=(pl.lit("Half of the peak is gone"),),
    )
    (row,) = signals_of({0: 100, 1: 50}, rules=(mine,)).to_dicts()
    assert (row["rule"], row["rule_version"], row["value"], row["reasons"]) == (
        "half_gone",
        3,
        -0.5,
        ["Half of the peak is gone"],
    )


def test_the_running_bar_of_a_session_under_way_is_enough_for_the_rules_of_the_price():
    known = bars("A", {0: 100})
    running = pl.DataFrame(
        {"ticker": ["A"], "session": [day(1)], "open": [97.0], "high": [97.5], "low": [94.0], "close": [96.0]}
    )
    prices = pl.concat([known.select(running.columns), running])
    marks = position_marks(history(opening(stop=95)), prices, NO_SPLITS, [day(1)])
    assert sell_signals(marks, prices, indicators(), RULES)["rule"].to_list() == ["stop_hit"]


@pytest.mark.thorough
@given(
    st.lists(st.tuples(st.floats(50, 150), st.floats(0, 100), st.floats(-1, 1)), min_size=3, max_size=25),
    st.integers(1, 24),
)
def test_a_day_alone_with_the_one_before_says_what_it_says_in_the_range(rows, at):
    number = min(at, len(rows) - 1)
    prices = bars("A", {n: close for n, (close, _, _) in enumerate(rows)})
    known = indicators(
        *(
            {"at": n, "rsi_14": rsi, "macd": 0.0, "macd_signal": -h, "macd_histogram": h, "atr_14": 5.0, "sma_50": 99.0}
            for n, (_, rsi, h) in enumerate(rows)
        )
    )
    book = history(opening(stop=90, target=120), opening(at=2, stop=95))
    every = sell_signals(position_marks(book, prices, NO_SPLITS, SESSIONS[: len(rows)]), prices, known, RULES)
    two = sell_signals(position_marks(book, prices, NO_SPLITS, [day(number - 1), day(number)]), prices, known, RULES)
    of_day = pl.col("session") == day(number)
    assert two.filter(of_day).equals(every.filter(of_day))
