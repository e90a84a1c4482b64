"""What holds of every position: a split changes no value, the future no past, and a range is its days."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.examples import examples
from assets_tests.market.holdings import NO_SPLITS, SESSIONS, bars, day, dividends, history, opening, splits
from pipeline.market.portfolio.book import Sale, with_sale
from pipeline.market.portfolio.positions import position_marks

LATER = datetime(2024, 3, 1, tzinfo=UTC)
DAYS = 12

closes = st.dictionaries(st.integers(0, DAYS - 1), st.floats(1, 1000), min_size=1)
ratios = st.sampled_from([(1, 2), (2, 3), (1, 7), (20, 1), (3, 1), (10, 11)])
quantities = st.floats(0.1, 10_000)
"""So many that a quarter of them is a holding after every split."""
stops = st.floats(1, 1000)
MONEY = ("value", "cost", "unrealised", "realised", "dividends", "profit")
SHARES = ("to_stop", "to_target", "drawdown")


@pytest.mark.thorough
@given(
    prices=closes,
    ratio=ratios,
    at=st.integers(1, DAYS - 1),
    quantity=quantities,
    price=st.floats(1, 1000),
    sold_at=st.integers(1, DAYS),
)
def test_a_split_changes_no_value_and_no_distance(*, prices, ratio, at, quantity, price, sold_at):
    old, new = ratio
    per_share = new / old
    # Dividends lower stops by whole cents, and cents are another share of a price after a split.
    terms = {"stop": price / 2, "target": price * 2, "do_not_reduce": True}
    book = history(opening(quantity=quantity, price=price, commission=1, **terms))
    paid = dividends(("A", 1, 0.25), ("A", DAYS - 1, 0.5))
    split = splits(("A", at, old, new))
    split_prices = {n: close / per_share if n >= at else close for n, close in prices.items()}
    split_paid = paid.with_columns(
        pl.when(pl.col("ex_dividend_date") >= day(at)).then(pl.col("cash_amount") / per_share).otherwise("cash_amount")
    )
    got = 120.0
    whole_sale = Sale("A", got, day(sold_at), quantity=quantity / 4, commission=2)
    factor = per_share if sold_at >= at else 1
    split_sale = Sale("A", got / factor, day(sold_at), quantity=quantity / 4 * factor, commission=2)
    whole = with_sale(book, NO_SPLITS, whole_sale, LATER)
    halved = with_sale(book, split, split_sale, LATER)
    unsplit = position_marks(whole, bars("A", prices), NO_SPLITS, SESSIONS[:DAYS], paid)
    after = position_marks(halved, bars("A", split_prices), split, SESSIONS[:DAYS], split_paid)
    assert after.select("position", "session", "no_bar", "priced_on").equals(
        unsplit.select("position", "session", "no_bar", "priced_on")
    )
    scale = quantity * max(price, got, *prices.values())
    for name in MONEY:
        assert after[name].to_list() == pytest.approx(unsplit[name].to_list(), rel=1e-9, abs=1e-9 * scale), name
    for name in SHARES:
        assert after[name].to_list() == pytest.approx(unsplit[name].to_list(), rel=1e-9, abs=1e-12), name


@st.composite
def books(draw):
    """Return a book of some positions, one of them sold in part."""
    openings = draw(
        st.lists(
            st.builds(opening, st.sampled_from("AB"), quantities, st.floats(1, 1000), st.integers(0, 5), stop=stops),
            min_size=1,
            max_size=4,
        )
    )
    book = history(*openings)
    first = openings[0]
    if draw(st.booleans()):
        sale = Sale(first.ticker, 50.0, day(draw(st.integers(6, 10))), quantity=first.quantity / 2, position=1)
        return with_sale(book, NO_SPLITS, sale, LATER)
    return book


@pytest.mark.thorough
@examples(100, quick=5)
@given(books(), closes, closes, ratios, st.integers(1, DAYS - 1))
def test_days_one_by_one_are_the_range_to_the_last_digit(book, closes_a, closes_b, ratio, at):
    known, prices = splits(("A", at, *ratio)), pl.concat([bars("A", closes_a), bars("B", closes_b)])
    paid = dividends(("A", 3, 0.25), ("B", 8, 0.5))
    together = position_marks(book, prices, known, SESSIONS[:DAYS], paid)
    # Each day is given no more than there is to read for it.
    alone = {one: prices.filter(pl.col("session") <= one) for one in SESSIONS[:DAYS]}
    one_by_one = pl.concat(position_marks(book, known_bars, known, [one], paid) for one, known_bars in alone.items())
    assert together.equals(one_by_one.sort("position", "session"))


def test_two_lots_with_one_bar_between_them_are_marked_alike_alone_and_in_a_range():
    book = history(opening(price=10, stop=9.5), opening(price=10, stop=9.5))
    prices = bars("A", {0: 10, 1: 11})
    together = position_marks(book, prices, NO_SPLITS, SESSIONS[:2])
    alone = position_marks(book, prices.head(1), NO_SPLITS, SESSIONS[:1])
    assert alone.equals(together.filter(pl.col("session") == day(0)))


@given(books(), closes, closes, ratios, st.integers(0, DAYS - 1))
def test_nothing_after_a_session_changes_its_marks(book, closes_a, later, ratio, newest):
    prices = bars("A", closes_a)
    then = prices.filter(pl.col("session") <= day(newest))
    known = [bars("A", {n: close for n, close in later.items() if n > newest})]
    with_future = pl.concat([then, *known])
    future_split = splits(("A", newest + 1, *ratio))
    future_dividend = dividends(("A", newest + 1, 5.0))
    sessions = SESSIONS[: newest + 1]
    assert position_marks(book, with_future, future_split, sessions, future_dividend).equals(
        position_marks(book, then, NO_SPLITS, sessions)
    )
