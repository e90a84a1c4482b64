"""Jumps that are no doubt: news, cheap shares, first days, halts."""

import polars as pl
import pytest

from assets_tests.examples import first_quick
from assets_tests.market.prices.doubts.walks import EVENT, SESSIONS, doubts, paid, told, walk
from pipeline.market.securities.listings import LISTING


@pytest.mark.parametrize(
    ("news", "price", "volume"),
    [("earnings", 0.55, 8.0), ("a buy-out", 2.8, 30.0), ("an approval", 10.0, 80.0), ("a fraud", 0.1, 60.0)],
)
@pytest.mark.parametrize("seed", first_quick(range(5)))
def test_news_moves_the_price_and_makes_far_more_money_change_hands(news, price, volume, seed):
    bars = walk(jumps={EVENT: (price, 1.0)}, busy={EVENT: volume, EVENT + 1: volume / 3}, volatility=0.03, seed=seed)
    assert doubts(bars).is_empty(), news


def test_a_price_of_few_ticks_jumps_by_whole_ticks():
    # From 0.0002 to 0.0004 is one tick in either direction for a warrant.
    bars = walk(first=0.0005, volatility=0.3, shares=4e5)
    assert doubts(bars).is_empty()


def test_the_first_days_of_a_listing_are_not_judged():
    bars = walk(jumps={8: (1.8, 1.0), 12: (0.5, 1.0)})
    assert doubts(bars).is_empty()


@pytest.mark.parametrize("price", first_quick([0.45, 0.7, 1.6, 2.4]))
def test_a_halt_of_weeks_ends_with_another_price(price):
    bars = walk(jumps={EVENT: (price, 1.0)}, without=range(EVENT - 20, EVENT))
    assert doubts(bars).is_empty()


def test_a_halt_with_a_split_in_it_is_judged_by_the_split():
    halted = range(EVENT - 20, EVENT)
    bars = walk(first=2.0, jumps={EVENT: (25 * 0.8, 1 / 25)}, without=halted, volatility=0.02)
    assert doubts(bars, told((EVENT - 10, 25, 1))).is_empty()
    assert doubts(bars)["kind"].to_list() == ["split_missing"]


def test_a_price_that_is_pinned_by_an_offer_moves_by_cents_without_a_doubt():
    bars = walk(jumps={60: (1.4, 1.0)}, busy={60: 30.0}, volatility=0.0004)
    assert doubts(bars).is_empty()


def test_a_special_dividend_that_is_told_explains_the_fall():
    bars = walk(first=100.0, jumps={EVENT: (0.7, 1.0)})
    before = bars["close"][EVENT - 1]
    assert doubts(bars, None, paid((EVENT, round(0.3 * before, 2)))).is_empty()


def test_a_bad_day_on_the_day_of_a_split_is_news_and_no_other_ratio():
    bars = walk(first=2.0, jumps={EVENT: (10 * 0.75, 0.1)}, busy={EVENT: 6.0}, volatility=0.03)
    assert doubts(bars, told((EVENT, 10, 1))).is_empty()


def test_a_ticker_that_comes_back_is_not_compared_with_its_last_bar_before():
    bars = walk(jumps={EVENT: (0.25, 4.0)}, without=range(EVENT - 30, EVENT))
    assert len(doubts(bars)) == 1
    spans = [("X", "figi", "CS", None, SESSIONS[EVENT - 31]), ("X", "figi", "CS", SESSIONS[EVENT], None)]
    back = pl.DataFrame(spans, schema=LISTING, orient="row")
    assert doubts(bars, listed=back).is_empty()
