"""Stops and peaks through dividends, against FINRA Rule 5330 by hand and a day-by-day count in fractions."""

from datetime import UTC, datetime
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.examples import examples
from assets_tests.market.holdings import NO_SPLITS, SESSIONS, bars, day, dividends, history, opening, splits
from pipeline.contracts.portfolio import POSITION_MARKS
from pipeline.errors import PositionRefused
from pipeline.market.portfolio.book import Sale, Terms, settled, with_sale, with_terms
from pipeline.market.portfolio.positions import position_marks

LATER = datetime(2024, 3, 1, tzinfo=UTC)
FLAT = bars("A", dict.fromkeys(range(12), 100))


def marks(book, paid, *sessions, known_splits=NO_SPLITS, prices=FLAT):
    days = [day(number) for number in sessions or range(8)]
    return POSITION_MARKS.enforce(position_marks(settled(book, known_splits), prices, known_splits, days, paid))


def stops(book, paid, *sessions, **more):
    return marks(book, paid, *sessions, **more)["stop"].to_list()


def test_a_dividend_lowers_the_stop_on_its_ex_date_and_leaves_the_target():
    found = marks(history(opening(stop=75, target=130)), dividends(("A", 3, 30.0)), 2, 3, 4)
    assert found.select("stop", "target").rows() == [(75, 130), (45, 130), (45, 130)]
    lowered = ("stop_before_dividends", "stop_dividends", "stop_lowered_by", "stop_lowered_on")
    assert found.select(lowered).rows() == [(None,) * 4, (75, 1, 30, day(3)), (75, 1, 30, day(3))]


@pytest.mark.parametrize(
    ("amount", "stop"),
    [
        (0.01, 74.99),
        (0.0099, 75),
        (0.015, 74.98),
        (0.23, 74.77),
        (0.999, 74.0),
        (74.99, 0.01),
        (75.0, None),
        (80, None),
    ],
)
def test_the_rest_is_rounded_down_to_the_cent_and_less_than_a_cent_lowers_nothing(amount, stop):
    assert stops(history(opening(stop=75)), dividends(("A", 3, amount)), 3) == [stop]


def test_cents_are_counted_as_cents():
    cents = range(5000, 8000)
    book = history(*(opening(stop=number / 100) for number in cents))
    assert stops(book, dividends(("A", 3, 0.23)), 3) == [(number - 23) / 100 for number in cents]


def test_each_dividend_is_rounded_by_itself():
    found = marks(history(opening(stop=75)), dividends(("A", 2, 0.125), ("A", 4, 0.125), ("A", 6, 0.5)), 1, 2, 4, 6)
    assert found["stop"].to_list() == [75, 74.87, 74.74, 74.24]
    assert found.select("stop_dividends", "stop_lowered_by", "stop_lowered_on").row(-1) == (3, 0.75, day(6))


def test_a_split_before_a_dividend_counts_before_it_and_one_after_it_after_it():
    book, paid = history(opening(stop=75)), dividends(("A", 4, 5.0))
    assert stops(book, paid, 4, 6, known_splits=splits(("A", 2, 1, 2))) == [32.5, 32.5]
    assert stops(book, paid, 4, 6, known_splits=splits(("A", 6, 1, 2))) == [70, 35]
    same_day = marks(book, paid, 4, known_splits=splits(("A", 4, 1, 2)))
    assert same_day.select("stop", "stop_before_dividends", "stop_lowered_by").rows() == [(32.5, 37.5, 5)]
    assert marks(book, paid, 6, known_splits=splits(("A", 6, 1, 2)))["stop_lowered_by"].item() == 2.5


def test_a_dividend_on_the_day_of_the_purchase_or_of_a_new_stop_is_in_it_already():
    paid = dividends(("A", 2, 5.0))
    assert stops(history(opening(at=2, stop=75)), paid, 2, 3) == [75, 75]
    book = with_terms(history(opening(stop=75)), NO_SPLITS, 1, Terms(day(2), stop=80), LATER, paid)
    assert stops(book, paid, 1, 2, 3) == [75, 80, 80]


def test_a_stop_that_stays_when_the_target_is_changed_was_lowered_and_is_lowered_further():
    paid = dividends(("A", 2, 5.0), ("A", 5, 1.0))
    book = with_terms(history(opening(stop=75, target=130)), NO_SPLITS, 1, Terms(day(3), target=72), LATER, paid)
    assert book.filter(revision=2).select("stop", "stop_from", "target").rows() == [(70, day(0), 72)]
    found = marks(book, paid, 1, 2, 3, 5)
    assert found.select("stop", "target").rows() == [(75, 130), (70, 130), (70, 72), (69, 72)]
    assert found["stop_before_dividends"].to_list() == [None, 75, 75, 75]
    with pytest.raises(PositionRefused, match="stop 70 of position 1 would not be below its target 70"):
        with_terms(history(opening(stop=75)), NO_SPLITS, 1, Terms(day(3), target=70), LATER, paid)


def test_an_order_not_to_be_reduced_keeps_its_stop_and_peak():
    paid, prices = dividends(("A", 2, 30.0)), bars("A", {0: 100, 1: 110, 2: 80})
    kept, lowered = (
        marks(history(opening(stop=75, do_not_reduce=flag)), paid, 1, 2, prices=prices) for flag in (True, None)
    )
    assert kept.select("stop", "peak").rows() == [(75, 110), (75, 110)]
    assert lowered.select("stop", "peak").rows() == [(75, 110), (45, 80)]


def test_an_order_may_change_between_two_dividends():
    paid = dividends(("A", 2, 5.0), ("A", 4, 5.0), ("A", 6, 5.0))
    book = with_terms(history(opening(stop=75)), NO_SPLITS, 1, Terms(day(4), do_not_reduce=True), LATER, paid)
    again = with_terms(book, NO_SPLITS, 1, Terms(day(5), do_not_reduce=False), LATER, paid)
    assert stops(book, paid, 1, 2, 4, 6) == [75, 70, 70, 70]
    assert stops(again, paid, 1, 2, 4, 6) == [75, 70, 70, 65]


def test_the_part_that_was_sold_had_the_lowered_stop_of_the_whole():
    paid = dividends(("A", 2, 5.0))
    book = with_sale(history(opening(stop=75)), NO_SPLITS, Sale("A", 100, day(3), quantity=4), LATER)
    assert marks(book, paid, 1, 3).select("position", "stop").rows() == [(1, 75), (1, 70), (2, 75), (2, 70)]


def test_the_peak_is_lowered_like_a_stop_until_a_close_exceeds_it():
    paid = dividends(("A", 2, 30.005))
    found = marks(history(opening()), paid, 0, 1, 2, 3, 4, prices=bars("A", {0: 95, 1: 97.58, 2: 69, 3: 70, 4: 71}))
    assert found["peak"].to_list() == [100, 100, 69.99, 70, 71]
    assert found["drawdown"].to_list() == [95 / 100 - 1, 97.58 / 100 - 1, 69 / 69.99 - 1, 0, 0]
    lowered = ("peak_before_dividends", "peak_dividends", "peak_lowered_by", "peak_lowered_on")
    assert found.select(lowered).rows() == [(None,) * 4] * 2 + [(100, 1, 30.005, day(2))] + [(None,) * 4] * 2


def test_a_close_carried_over_an_ex_date_is_never_above_the_peak():
    found = marks(history(opening()), dividends(("A", 2, 30.0)), 1, 2, 3, prices=bars("A", {0: 100, 1: 104, 3: 73}))
    assert found.select("close", "peak").rows() == [(104, 104), (104, 104), (73, 74)]


def test_a_removed_dividend_or_one_of_another_ticker_lowers_nothing():
    book = history(opening(stop=75))
    assert stops(book, dividends(("B", 3, 30.0), ("a", 3, 30.0)), 3) == [75]


def by_hand(stop, closes, split, paid, last):
    """Return stop and peak of the day `last` after a purchase at 100; None for a stop that dividends exceed."""
    stop, peak = Fraction(str(stop)), Fraction(100)
    for number in range(last + 1):
        at, old, new = split
        if number == at and number > 0:
            stop, peak = (level * old / new for level in (stop, peak))
        for on, amount in paid:
            if number == on > 0 and amount >= 0.01:
                stop, peak = ((level - Fraction(str(amount))) * 100 // 1 / Fraction(100) for level in (stop, peak))
        if number in closes:
            peak = max(peak, Fraction(str(closes[number])))
    return (float(stop) if stop > 0 else None), float(peak)


cents = st.integers(1, 20_000).map(lambda number: number / 100)


@examples(100, quick=15)
@given(
    stop=cents,
    closes=st.dictionaries(st.integers(0, 9), cents, min_size=1).map(lambda found: found | {9: 300.0}),
    split=st.tuples(st.integers(0, 8), *[st.integers(1, 20)] * 2),
    paid=st.dictionaries(st.integers(0, 8), st.sampled_from([0.005, 0.01, 0.0125, 0.23, 1.5, 30.0])),
    last=st.integers(0, 9),
)
def test_a_count_by_hand_finds_the_same_stop_and_peak(*, stop, closes, split, paid, last):
    book = history(opening(stop=stop))
    found = marks(
        book,
        dividends(*(("A", on, amount) for on, amount in paid.items())),
        last,
        known_splits=splits(("A", *split)),
        prices=bars("A", closes),
    )
    expected_stop, expected_peak = by_hand(stop, closes, split, paid.items(), last)
    row = found.row(0, named=True)
    assert row["stop"] == (None if expected_stop is None else pytest.approx(expected_stop, rel=1e-12))
    assert row["peak"] == pytest.approx(max(expected_peak, row["close"]), rel=1e-12)


def test_what_comes_after_a_session_changes_no_level_of_it():
    book, paid = history(opening(stop=75)), dividends(("A", 2, 5.0), ("A", 4, 5.0))
    whole = marks(book, paid)
    for number in range(8):
        known = paid.filter(pl.col("ex_dividend_date") <= day(number))
        alone = marks(book, known, number, prices=FLAT.filter(pl.col("session") <= day(number)))
        assert alone.equals(whole.filter(pl.col("session") == SESSIONS[number]))
