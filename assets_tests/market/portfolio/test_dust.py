"""What is left after the last share that a statement prints is no holding."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from assets_tests.market.holdings import NO_SPLITS, SESSIONS, bars, day, history, opening, splits
from pipeline.errors import PositionRefused
from pipeline.market.portfolio.book import Sale, in_force, open_positions, oversold, settled, with_sale
from pipeline.market.portfolio.faults import faults, sale_faults
from pipeline.market.portfolio.positions import position_marks
from pipeline.venues.us_stocks import US_STOCKS

LATER = datetime(2024, 3, 1, tzinfo=UTC)
LATEST = date(2024, 2, 29)
ONE_FOR_SEVEN = splits(("A", 2, 7, 1))


def sell(book, at, quantity, *, known=NO_SPLITS, **sale):
    return with_sale(book, known, Sale("A", 6.0, day(at), quantity=quantity, **sale), LATER)


def held(book, known=NO_SPLITS):
    return open_positions(settled(book, known)).select("position", "quantity").rows()


def test_shares_are_counted_to_the_fourth_decimal():
    assert US_STOCKS.smallest_holding == 0.0001


def test_the_fraction_that_no_statement_prints_ends_with_the_last_sale():
    book = sell(history(opening(quantity=100)), 2, 0.2857, known=ONE_FOR_SEVEN)
    book = sell(book, 3, 14, known=ONE_FOR_SEVEN)
    assert held(book, ONE_FOR_SEVEN) == []
    marks = position_marks(settled(book, ONE_FOR_SEVEN), bars("A", {2: 6}), ONE_FOR_SEVEN, SESSIONS[:6])
    assert marks.filter(pl.col("session") > day(3)).is_empty()
    with pytest.raises(PositionRefused, match="0 are held then"):
        sell(book, 4, 0.001, known=ONE_FOR_SEVEN)


@pytest.mark.parametrize(
    ("sold", "left"), [(9.9998, [(1, 0.0002)]), (9.9999, [(1, 0.0001)]), (9.99991, []), (10, []), (10.00009, [])]
)
def test_a_rest_of_the_smallest_holding_is_kept_and_less_is_not(sold, left):
    assert held(sell(history(opening()), 3, sold)) == left


def test_a_sale_of_as_much_more_as_can_be_held_is_refused():
    with pytest.raises(PositionRefused, match=r"10\.0001 A cannot be sold"):
        sell(history(opening()), 3, 10.0001)


def test_what_rounds_to_the_shares_of_the_first_position_takes_nothing_of_the_next():
    book = sell(history(opening(), opening(at=1)), 3, 10.00005, commission=2)
    assert held(book) == [(2, 10)]
    closed = in_force(book).filter(event="closed")
    assert closed.select("position", "quantity", "closing_commission").rows() == [(1, 10, 2)]


def test_a_rest_of_many_shares_is_a_holding_however_small_a_part_it_is():
    assert held(sell(history(opening(quantity=1e9)), 3, 1e9 - 0.5)) == [(1, 0.5)]


def test_what_a_reverse_split_leaves_too_little_of_has_no_mark_and_cannot_be_sold():
    book, known = history(opening(quantity=0.05)), splits(("A", 2, 1000, 1))
    marks = position_marks(book, bars("A", {0: 1, 2: 1000}), known, SESSIONS[:4])
    assert marks["session"].to_list() == list(SESSIONS[:2])
    with pytest.raises(PositionRefused, match="0 are held then"):
        sell(book, 3, None, known=known)


def test_a_withdrawn_split_that_leaves_a_rounding_error_less_than_sold_is_not_oversold():
    book = sell(history(opening()), 3, 10.00005)
    assert oversold(book, NO_SPLITS) == []


def test_less_than_statements_print_can_neither_be_bought_nor_sold():
    (bought,) = faults(opening(quantity=0.00005), LATEST)
    (sold,) = sale_faults(Sale("A", 1.0, day(3), quantity=0.00005), LATEST)
    assert bought == sold == "the quantity 5e-05 is less than statements print: 0.0001 is the least"
    assert faults(opening(quantity=0.0001), LATEST) == []
