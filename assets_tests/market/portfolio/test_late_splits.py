"""Splits that are learnt, corrected or withdrawn after sales and stops were recorded: what was typed holds."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.examples import examples
from assets_tests.market.holdings import NO_SPLITS, SESSIONS, bars, day, history, opening, splits
from pipeline.contracts.portfolio import POSITIONS
from pipeline.market.portfolio.book import (
    Sale,
    Terms,
    in_force,
    open_positions,
    oversold,
    settled,
    with_openings,
    with_sale,
    with_terms,
    without,
)
from pipeline.market.portfolio.early_books import with_entries
from pipeline.market.portfolio.positions import position_marks

START = datetime(2024, 3, 1, tzinfo=UTC)
TWO_FOR_ONE = splits(("A", 2, 1, 2))
ONE_FOR_FOUR = splits(("A", 2, 4, 1))

TYPED = ("entry", "sale_quantity", "sale_position", "sale_part", "stop_from", "target_from")


def moment(number):
    return START + timedelta(days=number)


def sell(book, known, at, price, *, number=1, **sale):
    return with_sale(book, known, Sale("A", price, day(at), **sale), moment(number))


def as_before(book):
    """Return the rows of a book as they were kept before what was typed was recorded."""
    return book.with_columns(pl.lit(None).cast(POSITIONS.columns[name]).alias(name) for name in TYPED)


def left(book, known):
    """Return the open positions, as number and shares of the purchase."""
    return open_positions(settled(book, known)).select("position", "quantity").rows()


def realised(book, known, ticker="A"):
    marks = position_marks(settled(book, known), bars(ticker, {}), known, SESSIONS)
    return marks.filter("is_closed")["realised"].sum()


def test_a_sale_before_its_split_is_known_is_counted_in_the_shares_of_its_day():
    book = sell(history(opening()), NO_SPLITS, 3, 50, quantity=5)
    marks = position_marks(settled(book, TWO_FOR_ONE), bars("A", {3: 50}), TWO_FOR_ONE, [day(3)])
    assert marks.filter(~pl.col("is_closed")).select("quantity", "value").rows() == [(15, 750)]
    assert realised(book, TWO_FOR_ONE) == pytest.approx(5 * 50 - 2.5 * 100)


def test_a_sale_counts_no_other_shares_when_its_split_is_withdrawn_or_corrected():
    book = sell(history(opening()), TWO_FOR_ONE, 3, 50, quantity=5)
    assert left(book, TWO_FOR_ONE) == [(1, 7.5)]
    assert left(book, NO_SPLITS) == [(1, 5)]
    assert left(book, ONE_FOR_FOUR) == []
    assert left(book, TWO_FOR_ONE) == left(book, splits(("A", 2, 2, 4)))


@pytest.mark.parametrize(("split_on", "rest"), [(3, 7.5), (4, 5)])
def test_a_sale_on_the_day_of_the_split_is_in_new_shares(split_on, rest):
    book = sell(history(opening()), NO_SPLITS, 3, 50, quantity=5)
    assert left(book, splits(("A", split_on, 1, 2))) == [(1, rest)]


def test_the_oldest_shares_are_sold_first_by_the_splits_known_now():
    book = sell(history(opening(quantity=10), opening(quantity=10, at=1)), NO_SPLITS, 3, 50, quantity=15)
    assert left(book, NO_SPLITS) == [(2, 5)]
    assert left(book, TWO_FOR_ONE) == [(1, 2.5), (2, 10)]
    sold = in_force(settled(book, TWO_FOR_ONE)).filter(pl.col("closed").is_not_null())
    assert sold.select("position", "quantity", "split_off_from").rows() == [(3, 7.5, 1)]


def test_a_part_keeps_its_number_and_no_purchase_is_given_it():
    book = sell(history(opening()), NO_SPLITS, 3, 50, quantity=10)
    assert open_positions(book).is_empty()
    book = with_openings(book, [opening("A", at=5)], moment(2))
    parts = in_force(settled(book, TWO_FOR_ONE)).select("position", "event", "quantity", "split_off_from")
    assert parts.rows() == [(1, "reduced", 5, None), (2, "closed", 5, 1), (3, "opened", 10, None)]


def test_all_that_is_held_stays_all_whatever_is_learnt():
    book = sell(history(opening(), opening(at=1)), NO_SPLITS, 1, 60, quantity=10)
    book = sell(book, NO_SPLITS, 4, 50, number=2)
    for known in (NO_SPLITS, TWO_FOR_ONE, splits(("A", 1, 1, 2)), ONE_FOR_FOUR):
        assert left(book, known) == []


def test_what_was_sold_beyond_what_is_held_is_named():
    book = sell(history(opening()), TWO_FOR_ONE, 3, 50, quantity=15)
    assert oversold(book, TWO_FOR_ONE) == []
    (beyond,) = oversold(book, NO_SPLITS)
    assert str(beyond).startswith(f"15 A were sold on {day(3)}, but by the splits known now only 10 were held.")
    assert left(book, NO_SPLITS) == []
    assert left(book, TWO_FOR_ONE) == [(1, 2.5)]


def test_a_second_sale_goes_on_from_what_the_splits_known_then_left():
    book = sell(history(opening()), NO_SPLITS, 3, 50, quantity=10)
    book = sell(book, TWO_FOR_ONE, 4, 60, number=2, quantity=4)
    assert left(book, TWO_FOR_ONE) == [(1, 3)]
    assert POSITIONS.enforce(book).height == len(book)


def test_a_stop_that_stays_follows_a_split_learnt_later_and_a_new_one_does_not():
    book = history(opening(stop=80, target=150))
    book = with_terms(book, NO_SPLITS, 1, Terms(day(3), stop=45), moment(1))
    row = in_force(settled(book, TWO_FOR_ONE)).row(0, named=True)
    assert (row["stop"], row["target"], row["terms_from"]) == (45, 75, day(3))
    book = with_terms(book, TWO_FOR_ONE, 1, Terms(day(4), note="mine"), moment(2))
    marks = position_marks(settled(book, TWO_FOR_ONE), bars("A", {}), TWO_FOR_ONE, [day(1), day(5)])
    assert marks.select("stop", "target").rows() == [(80, 150), (45, 75)]


def test_a_removed_purchase_takes_along_the_part_that_only_a_later_split_has_made():
    book = sell(history(opening()), NO_SPLITS, 3, 50, quantity=10)
    book = without(book, 1, moment(2))
    assert in_force(settled(book, TWO_FOR_ONE)).is_empty()
    part = sell(history(opening()), TWO_FOR_ONE, 3, 50, quantity=5)
    part = without(part, 2, moment(2), TWO_FOR_ONE)
    assert in_force(settled(part, NO_SPLITS))["position"].to_list() == [1]


def test_a_book_of_before_is_read_as_before_and_corrected_when_a_split_is_learnt():
    known = {1: NO_SPLITS, 2: TWO_FOR_ONE}
    book = sell(history(opening(), opening(at=1)), known[1], 3, 50, quantity=5, commission=1)
    book = sell(book, known[2], 4, 60, number=2, quantity=20)
    early = as_before(book)
    filled = with_entries(early, lambda at: known[2] if at >= moment(2) else known[1])
    assert as_before(filled).equals(early.sort("position", "revision")), "no value of a row changes"
    assert filled["sale_quantity"].drop_nulls().unique().sort().to_list() == [5, 20]
    assert left(filled, TWO_FOR_ONE) == left(book, TWO_FOR_ONE)
    assert left(settled(filled, NO_SPLITS), NO_SPLITS) == left(settled(book, NO_SPLITS), NO_SPLITS)
    sold = as_before(sell(history(opening()), TWO_FOR_ONE, 3, 50, quantity=5))
    unchanged = with_entries(sold, lambda _: TWO_FOR_ONE)
    assert left(unchanged, TWO_FOR_ONE) == [(1, 7.5)]


def test_stops_of_a_book_of_before_were_typed_or_followed_a_split():
    book = history(opening(stop=80, target=150))
    book = with_terms(book, NO_SPLITS, 1, Terms(day(3), stop=45), moment(1))
    book = with_terms(book, TWO_FOR_ONE, 1, Terms(day(3), note="mine"), moment(2))
    filled = with_entries(as_before(book), lambda at: TWO_FOR_ONE if at >= moment(2) else NO_SPLITS)
    assert filled.select("stop_from", "target_from").rows() == [(None, None), (day(3), day(0)), (day(3), day(3))]


def test_an_older_book_is_put_in_the_order_of_its_records_whatever_the_clock():
    book = sell(history(opening()), NO_SPLITS, 3, 50, quantity=4)
    book = with_openings(book, [opening("A", at=1)], moment(-400))
    book = sell(book, NO_SPLITS, 4, 50, number=-399, quantity=7)
    filled = with_entries(as_before(book), lambda _: NO_SPLITS)
    assert left(filled, NO_SPLITS) == left(book, NO_SPLITS) == [(3, 9)]
    assert filled.sort("entry")["position"].to_list() == book.sort("entry")["position"].to_list()


SPLITS = (("A", 2, 1, 2), ("A", 4, 3, 1), ("A", 6, 2, 3), ("B", 3, 1, 7))


@dataclass(frozen=True)
class Entered:
    """An entry, and the splits that were known when it was made."""

    what: object
    known: frozenset


@st.composite
def entries(draw, *, terms_too=True):
    """Return entries that can be made whatever is known: purchases, sales of few shares or of one lot, new stops."""
    known = st.frozensets(st.sampled_from(SPLITS))
    purchases = [Entered(opening("AB"[n % 2], 1000.0, 50.0, n % 3, stop=40.0), frozenset()) for n in range(4)]
    few, days = st.sampled_from([0.5, 1.0, 3.0, 7.25]), st.integers(3, 9)
    sale = st.builds(Sale, st.just("A"), st.floats(1, 90), days.map(day), few, st.just(2.0), st.none() | st.just(1))
    terms = st.builds(Terms, days.map(day), st.none() | st.floats(1, 39), st.none(), st.none() | st.just("mine"))
    later = draw(st.lists(st.builds(Entered, sale | terms if terms_too else sale, known), min_size=1, max_size=6))
    return purchases + later


def entered(made, known_of):
    book, since = history(), day(0)
    for number, one in enumerate(made):
        known, at = splits(*sorted(known_of(one))), moment(number)
        if isinstance(one.what, Sale):
            book = with_sale(book, known, one.what, at)
        elif isinstance(one.what, Terms):
            if one.what.since >= since:
                since = one.what.since
                book = with_terms(book, known, 1, one.what, at)
        else:
            book = with_openings(book, [one.what], at)
    return POSITIONS.enforce(book)


def state(book):
    now = in_force(settled(book, splits(*SPLITS))).sort("position")
    return now.drop("revision", "event", "recorded_at", "entry").to_dicts()


def assert_alike(one, other):
    assert len(one) == len(other)
    for row, same in zip(one, other, strict=True):
        for name, value in row.items():
            assert same[name] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value), name


@pytest.mark.thorough
@examples(100, quick=8)
@given(entries())
def test_when_a_split_is_learnt_or_withdrawn_makes_no_difference(made):
    at_once = entered(made, lambda _: SPLITS)
    by_and_by = entered(made, lambda one: one.known)
    assert_alike(state(by_and_by), state(at_once))


@pytest.mark.thorough
@examples(100, quick=8)
@given(entries(terms_too=False))
def test_a_book_of_before_says_the_same_as_one_that_kept_what_was_typed(made):
    book = entered(made, lambda one: one.known)
    known = {moment(number): splits(*sorted(one.known)) for number, one in enumerate(made)}
    early = as_before(book)
    filled = POSITIONS.enforce(with_entries(early, known.__getitem__))
    assert as_before(filled).equals(early.sort("position", "revision"))
    kept = ("sale_part", "sale_position", "stop_from", "target_from")
    assert_alike(
        [{n: v for n, v in row.items() if n not in kept} for row in state(filled)],
        [{n: v for n, v in row.items() if n not in kept} for row in state(book)],
    )
