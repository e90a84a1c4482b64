"""Marks against sums worked out by hand."""

from datetime import UTC, datetime

import polars as pl
import pytest

from assets_tests.market.holdings import NO_SPLITS, bars, day, dividends, history, opening, splits
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.portfolio import POSITION_MARKS, POSITIONS
from pipeline.market.portfolio.book import Sale, Terms, with_sale, with_terms, without
from pipeline.market.portfolio.positions import position_marks

LATER = datetime(2024, 3, 1, tzinfo=UTC)


def marks(book, prices, *sessions, known_splits=NO_SPLITS, paid=None):
    days = [day(number) for number in sessions]
    found = position_marks(book, prices, known_splits, days, dividends() if paid is None else paid)
    return POSITION_MARKS.enforce(found)


def column(found, *names):
    return found.select(names).rows() if len(names) > 1 else found[names[0]].to_list()


def test_value_and_profit_count_what_was_paid_with_the_commission():
    found = marks(history(opening(commission=2.5)), bars("A", {0: 100, 1: 110}), 0, 1)
    assert column(found, "quantity", "entry", "cost", "value", "unrealised", "profit") == [
        (10, 100, 1002.5, 1000, -2.5, -2.5),
        (10, 100, 1002.5, 1100, 97.5, 97.5),
    ]


def test_a_two_for_one_split_doubles_the_shares_and_halves_entry_stop_and_target():
    book = history(opening(commission=1, stop=90, target=130))
    found = marks(book, bars("A", {0: 100, 1: 110, 2: 56}), 1, 2, known_splits=splits(("A", 2, 1, 2)))
    assert column(found, "quantity", "entry", "stop", "target", "value", "profit", "peak") == [
        (10, 100, 90, 130, 1100, 99, 110),
        (20, 50, 45, 65, 1120, 119, 56),
    ]
    assert found["to_stop"].to_list() == pytest.approx([90 / 110 - 1, 45 / 56 - 1])
    assert found["to_target"].to_list() == pytest.approx([130 / 110 - 1, 65 / 56 - 1])


def test_a_reverse_split_of_one_for_twenty_leaves_a_twentieth_of_the_shares():
    book = history(opening(quantity=100, price=1.0, stop=0.5))
    found = marks(book, bars("A", {0: 1.0, 1: 18.0}), 0, 1, known_splits=splits(("A", 1, 20, 1)))
    assert column(found, "quantity", "entry", "stop", "value", "unrealised") == [
        (100, 1.0, 0.5, 100, 0),
        (5, 20.0, 10.0, 90, -10),
    ]


def test_a_split_on_the_day_of_the_purchase_was_in_the_price_already():
    found = marks(history(opening(at=2)), bars("A", {2: 100}), 2, known_splits=splits(("A", 2, 1, 2)))
    assert column(found, "quantity", "entry") == [(10, 100)]


def test_a_split_of_another_ticker_or_of_a_later_day_changes_nothing():
    book, prices = history(opening()), bars("A", {0: 100, 1: 110})
    foreign = splits(("B", 1, 1, 2), ("a", 1, 1, 2), ("A", 2, 1, 2))
    assert marks(book, prices, 0, 1, known_splits=foreign).equals(marks(book, prices, 0, 1))


def test_on_the_session_of_its_sale_a_position_is_worth_nothing_and_its_profit_is_realised():
    book = with_sale(history(opening(commission=2)), NO_SPLITS, Sale("A", 120, day(2), commission=3), LATER)
    found = marks(book, bars("A", {0: 100, 1: 110, 2: 125, 3: 130}), 1, 2, 3)
    assert column(found, "session", "quantity", "value", "unrealised", "realised", "profit", "is_closed") == [
        (day(1), 10, 1100, 98, 0, 98, False),
        (day(2), 0, 0, 0, 195, 195, True),
    ]


def test_a_part_sold_after_a_split_and_the_rest_add_up_to_the_whole():
    two_for_one = splits(("A", 2, 1, 2))
    book = history(opening(quantity=30, commission=3))
    sold = with_sale(book, two_for_one, Sale("A", 60, day(3), quantity=50, commission=5), LATER)
    prices = bars("A", {0: 100, 1: 110, 2: 55, 3: 58})
    found = marks(sold, prices, 1, 2, 3, known_splits=two_for_one)
    whole = marks(book, prices, 1, 2, known_splits=two_for_one)
    before = found.filter(pl.col("session") < day(3)).group_by("session").agg(pl.col("value", "profit").sum())
    assert before.sort("session").rows() == whole.select("session", "value", "profit").rows()
    rest, part = found.filter(pl.col("session") == day(3)).to_dicts()
    assert (rest["position"], rest["quantity"], rest["value"]) == (1, 10, 580)
    # 5 of the old shares for 100 and a sixth of the commission.
    assert rest["unrealised"] == pytest.approx(580 - 500 - 0.5)
    # 25 of the old shares for 100, five sixths of one commission, all of the other; 50 new ones at 60.
    assert part["realised"] == pytest.approx(3000 - 5 - 2500 - 2.5)


def test_bought_and_sold_in_one_session_is_one_row():
    book = with_sale(history(opening()), NO_SPLITS, Sale("A", 101, day(0)), LATER)
    found = marks(book, bars("A", {0: 100, 1: 110}), 0, 1)
    assert column(found, "session", "realised", "sessions_held", "is_closed") == [(day(0), 10, 0, True)]


def test_a_halted_ticker_is_marked_at_its_last_close_and_flagged():
    found = marks(history(opening()), bars("A", {0: 100, 1: 110, 4: 90}), 1, 2, 3, 4)
    assert column(found, "close", "priced_on", "no_bar", "value") == [
        (110, day(1), False, 1100),
        (110, day(1), True, 1100),
        (110, day(1), True, 1100),
        (90, day(4), False, 900),
    ]


def test_a_split_while_the_ticker_is_halted_moves_the_last_close_too():
    found = marks(history(opening()), bars("A", {0: 100, 1: 110}), 2, known_splits=splits(("A", 2, 1, 2)))
    assert column(found, "quantity", "close", "priced_on", "value") == [(20, 55, day(1), 1100)]


def test_a_delisted_ticker_is_held_until_it_is_sold():
    found = marks(history(opening()), bars("A", {0: 100}), *range(30))
    assert found["no_bar"].sum() == 29
    assert found["value"].to_list() == [1000] * 30
    assert found["sessions_held"].to_list() == list(range(30))


def test_without_a_bar_since_the_purchase_it_is_marked_at_the_price_paid():
    earlier = bars("A", {0: 55})
    found = marks(history(opening(at=1)), earlier, 1, 2, known_splits=splits(("A", 2, 1, 4)))
    assert column(found, "close", "priced_on", "no_bar", "unrealised") == [(100, None, True, 0), (25, None, True, 0)]


def test_the_drawdown_is_measured_from_the_highest_of_the_price_paid_and_the_closes_since():
    found = marks(history(opening()), bars("A", {0: 95, 1: 120, 2: 90}), 0, 1, 2)
    assert column(found, "peak", "drawdown") == [(100, 95 / 100 - 1), (120, 0), (120, 90 / 120 - 1)]


def test_a_price_from_before_the_purchase_is_no_peak():
    found = marks(history(opening(at=1)), bars("A", {0: 500, 1: 100}), 1)
    assert found["peak"].item() == 100


def test_a_new_stop_holds_from_its_session_on_and_the_old_one_before():
    book = with_terms(history(opening(stop=90)), NO_SPLITS, 1, Terms(day(2), stop=95), LATER)
    found = marks(book, bars("A", {0: 100, 1: 101, 2: 102, 3: 103}), 1, 2, 3)
    assert found["stop"].to_list() == [90, 95, 95]


def test_a_stop_set_after_a_split_is_on_the_new_shares():
    two_for_one = splits(("A", 2, 1, 2))
    book = with_terms(history(opening(stop=90)), two_for_one, 1, Terms(day(3), stop=48), LATER)
    found = marks(book, bars("A", {0: 100, 1: 100, 2: 50, 3: 50}), 1, 2, 3, known_splits=two_for_one)
    assert found["stop"].to_list() == [90, 45, 48]


def test_the_part_that_was_sold_had_the_terms_of_the_whole():
    book = with_terms(history(opening(stop=90)), NO_SPLITS, 1, Terms(day(2), stop=95), LATER)
    sold = with_sale(book, NO_SPLITS, Sale("A", 103, day(3), quantity=4), LATER)
    found = marks(sold, bars("A", {0: 100, 1: 101, 2: 102, 3: 103}), 1, 2, 3)
    assert column(found, "position", "stop") == [(1, 90), (1, 95), (1, 95), (2, 90), (2, 95), (2, 95)]


def test_dividends_from_the_day_after_the_purchase_to_that_of_the_sale_are_profit():
    book = history(opening(at=1, quantity=10))
    sold = with_sale(book, NO_SPLITS, Sale("A", 100, day(4)), LATER)
    paid = dividends(("A", 1, 0.5), ("A", 2, 0.2), ("A", 4, 0.3), ("A", 5, 9.0), ("B", 2, 9.0))
    found = marks(sold, bars("A", dict.fromkeys(range(6), 100)), 1, 2, 3, 4, paid=paid)
    assert column(found, "dividends", "profit") == [(0, 0), (2, 2), (2, 2), (5, 5)]


def test_a_dividend_is_paid_on_the_shares_of_its_ex_date():
    paid = dividends(("A", 1, 0.5), ("A", 2, 0.5), ("A", 3, 0.5))
    prices = bars("A", {0: 100, 1: 100, 2: 50, 3: 50})
    found = marks(history(opening()), prices, 1, 2, 3, known_splits=splits(("A", 2, 1, 2)), paid=paid)
    assert found["dividends"].to_list() == [5, 15, 25]


def test_a_removed_position_is_not_marked():
    assert marks(without(history(opening()), 1, LATER), bars("A", {0: 100}), 0).is_empty()


def test_positions_of_one_ticker_are_marked_apart():
    found = marks(history(opening(), opening(price=90, at=1)), bars("A", {0: 100, 1: 95}), 0, 1)
    assert column(found, "position", "session", "unrealised") == [(1, day(0), 0), (1, day(1), -50), (2, day(1), 50)]


def test_tickers_differ_by_case():
    found = marks(history(opening("AAp")), bars("AAP", {0: 100, 1: 200}), 1)
    assert found["no_bar"].to_list() == [True]


def test_the_latest_price_of_a_session_under_way_is_a_price_like_any_other():
    known = bars("A", {0: 100}).select("ticker", "session", "close")
    so_far = pl.DataFrame({"ticker": ["A"], "session": [day(1)], "close": [104.0]})
    found = marks(history(opening(stop=99)), pl.concat([known, so_far]), 1)
    assert column(found, "close", "unrealised", "no_bar") == [(104, 40, False)]


@pytest.mark.parametrize("sessions", [(), (0,)])
def test_nothing_held_is_no_row(sessions):
    assert marks(POSITIONS.empty(), DAILY_BARS.empty(), *sessions).equals(POSITION_MARKS.empty())
    assert marks(history(opening(at=1)), DAILY_BARS.empty(), *sessions).is_empty()
