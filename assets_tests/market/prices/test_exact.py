"""Prices after splits against fractions: a decimal stays a decimal."""

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.market.corporate_actions import day, splits
from pipeline.market.prices.exact import LARGEST, ROUNDING, down_to_the_cent, exact, exact_numbers
from pipeline.market.prices.splits import ShareCounts, price_after, shares_after, with_ratio

CENTS = range(1, 1000)
RATIOS = range(2, 101)


def test_every_stop_in_cents_before_every_reverse_split_is_the_price_that_a_tape_would_print():
    stops = pl.DataFrame({"cents": CENTS}).join(pl.DataFrame({"split_from": RATIOS}), how="cross")
    moved = stops.with_columns(split_from=pl.col("split_from").cast(pl.Float64), split_to=1.0).select(
        after=price_after(pl.col("cents") / 100)
    )
    printed = [float(f"{cents * old / 100:.2f}") for cents, old in stops.iter_rows()]
    assert moved["after"].to_list() == printed


def test_the_same_holds_for_one_stop_at_a_time():
    for old in RATIOS:
        counts = ShareCounts(splits(("A", 5, old, 1)))
        after = [counts.price(cents / 100, "A", day(0), day(9)) for cents in CENTS]
        assert after == [cents * old / 100 for cents in CENTS]


@pytest.mark.parametrize(
    ("old", "new", "price", "after"), [(1, 4, 398.40, 99.6), (3, 2, 10.02, 15.03), (20, 21, 2.1, 2.0)]
)
def test_forward_splits_and_stock_dividends_are_exact_too(old, new, price, after):
    assert ShareCounts(splits(("A", 5, old, new))).price(price, "A", day(0), day(9)) == after


def test_a_stock_dividend_told_as_a_decimal_is_the_same_as_in_whole_numbers():
    told, whole = (ShareCounts(splits(("A", 5, *ratio))) for ratio in ((1, 1.05), (20, 21)))
    for cents in CENTS:
        assert told.price(21 * cents / 100, "A", day(0), day(9)) == 20 * cents / 100
        assert whole.price(21 * cents / 100, "A", day(0), day(9)) == 20 * cents / 100


def test_several_splits_are_multiplied_before_anything_is_divided():
    events = splits(("A", 3, 1, 3), ("A", 5, 3, 1), ("A", 7, 7, 1))
    rows = pl.DataFrame({"ticker": ["A"] * 999, "price": [cents / 100 for cents in CENTS], "shares": list(CENTS)})
    moved = with_ratio(rows, events, since=pl.lit(day(0)), until=pl.lit(day(9)))
    assert moved.select(price_after(pl.col("price")))["price"].to_list() == [7 * cents / 100 for cents in CENTS]
    assert moved.select(shares_after(pl.col("shares")))["shares"].to_list() == [shares / 7 for shares in CENTS]


def test_shares_and_back_are_the_same_shares():
    counts = ShareCounts(splits(("A", 5, 1, 3)))
    for thousandths in range(1, 1000):
        shares = thousandths / 1000
        there = counts.shares(shares, "A", day(0), day(9))
        assert there == 3 * thousandths / 1000
        assert counts.shares(there, "A", day(9), day(0)) == shares


@given(st.floats(-1e12, 1e12))
def test_what_is_no_decimal_stays_and_nothing_moves_by_more_than_rounding(number):
    assert abs(exact(number) - number) <= ROUNDING * abs(number)
    assert pl.DataFrame({"n": [number]}).select(exact_numbers(pl.col("n"))).item() == exact(number)


def test_thirds_and_numbers_without_room_for_decimals_stay():
    assert exact(10 / 3) == 10 / 3
    assert exact(LARGEST + 0.1) == LARGEST + 0.1
    assert exact(10.0001 - 10, 10) == 0.0001


@given(st.integers(1, 10**7), st.integers(0, 10**6))
def test_a_difference_is_rounded_down_to_the_cent_as_decimals_are(stop, dividend):
    exactly = Fraction(stop, 100) - Fraction(dividend, 10_000)
    cents = exactly * 100 // 1
    assert down_to_the_cent(stop / 100 - dividend / 10_000) == cents / 100
