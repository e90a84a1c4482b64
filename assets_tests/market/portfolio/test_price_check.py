"""Prices that were not traded, and the split after which they would be right."""

import pytest

from assets_tests.market.holdings import NO_SPLITS, bars, day, opening, splits
from pipeline.market.portfolio.price_check import prices_not_traded

TRADED = bars("A", {0: 398, 3: 99}, low={0: 397.29, 3: 98}, high={0: 401.78, 3: 100})
HINT = ("splits", "split_on", "times", "price_then", "quantity_then")


def checked(known, **paid):
    return prices_not_traded([opening("B"), opening("A", **paid)], TRADED, known)


@pytest.mark.parametrize("price", [397.29, 400, 401.78])
def test_a_price_within_the_range_of_the_day_is_none_to_name(price):
    assert checked(splits(("A", 2, 1, 4)), price=price).is_empty()


def test_a_price_on_the_shares_after_a_split_is_told_with_price_and_shares_of_its_day():
    found = checked(splits(("A", 2, 1, 4)), price=99.6, quantity=40)
    assert found.select("place", "ticker", "low", "high").rows() == [(1, "A", 397.29, 401.78)]
    assert found.select(HINT).rows() == [(1, day(2), 4, 398.4, 10)]


def test_of_several_splits_the_fewest_that_fit_are_named():
    assert checked(splits(("A", 2, 1, 2), ("A", 4, 1, 2), ("A", 6, 1, 1.005)), price=99.6).select(HINT).rows() == [
        (2, day(4), 4, 398.4, 2.5)
    ]


def test_a_reverse_split_divides_the_price():
    found = checked(splits(("A", 2, 10, 1)), price=4017.8, quantity=1)
    assert found.select(HINT).rows() == [(1, day(2), 0.1, 401.78, 10)]


def test_an_adjusted_price_may_have_been_rounded_to_the_cent():
    # The high of 401.78 is 100.445 after the split, which is printed as 100.45.
    four_for_one = splits(("A", 2, 1, 4))
    assert checked(four_for_one, price=100.45)["splits"].to_list() == [1]
    assert checked(four_for_one, price=100.46)["splits"].to_list() == [None]


@pytest.mark.parametrize("known", [NO_SPLITS, splits(("A", 0, 1, 4)), splits(("B", 2, 1, 4)), splits(("A", 2, 1, 3))])
def test_a_price_that_no_later_split_of_its_ticker_explains_is_named_without_a_split(known):
    assert checked(known, price=99.6).select(HINT).rows() == [(None,) * 5]


def test_a_purchase_of_a_day_without_a_bar_cannot_be_checked():
    assert checked(NO_SPLITS, price=5, at=1).is_empty()
