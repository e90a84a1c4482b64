from datetime import UTC, date, datetime

import polars as pl
import pytest

from assets_tests.market.holdings import NO_SPLITS, RECORDED_AT, day, history, opening, splits
from pipeline.contracts.portfolio import POSITIONS
from pipeline.errors import PositionRefused
from pipeline.market.portfolio.book import (
    Sale,
    Terms,
    in_force,
    open_positions,
    recorded_before,
    with_openings,
    with_sale,
    with_terms,
    without,
)
from pipeline.market.portfolio.faults import day_faults, faults, sale_faults, term_faults

LATER = datetime(2024, 3, 1, tzinfo=UTC)
LATEST = date(2024, 2, 29)
TWO_FOR_ONE = splits(("A", 2, 1, 2))


def sell(book, at, price, *, known_splits=NO_SPLITS, ticker="A", **sale):
    return with_sale(book, known_splits, Sale(ticker, price, day(at), **sale), LATER)


def in_order(rows, *columns):
    return rows.sort("position").select(columns).rows()


def test_purchases_are_numbered_in_their_order_and_keep_the_contract():
    book = with_openings(history(opening("A"), opening("B")), [opening("C", commission=1.5, note="mine")], LATER)
    kept = POSITIONS.enforce(book)
    assert in_order(kept, "position", "revision", "event", "ticker") == [
        (1, 1, "opened", "A"),
        (2, 1, "opened", "B"),
        (3, 1, "opened", "C"),
    ]
    assert kept.row(2, named=True)["recorded_at"] == LATER
    assert kept["terms_from"].to_list() == [day(0)] * 3


def test_a_sale_of_all_closes_the_position_and_rewrites_no_row():
    book = history(opening(commission=2))
    after = sell(book, 3, 120, commission=3)
    assert after.head(1).equals(book)
    assert POSITIONS.enforce(after).height == 2
    row = in_force(after).row(0, named=True)
    assert (row["event"], row["closed"], row["closing_price"], row["closing_commission"]) == ("closed", day(3), 120, 3)
    assert open_positions(after).is_empty()


def test_selling_a_part_after_a_split_leaves_the_rest_in_opening_shares_with_its_part_of_the_commission():
    after = sell(
        history(opening(quantity=30, commission=3)), 3, 60, known_splits=TWO_FOR_ONE, quantity=50, commission=5
    )
    POSITIONS.enforce(after)
    columns = ("position", "event", "quantity", "commission", "closing_commission", "split_off_from")
    assert in_order(in_force(after), *columns) == [
        (1, "reduced", 5, pytest.approx(0.5), None, None),
        (2, "closed", 25, pytest.approx(2.5), 5, 1),
    ]


def test_the_oldest_positions_are_sold_first_whatever_their_numbers():
    book = history(opening(quantity=10, at=1), opening(quantity=10, at=0), opening("B", quantity=10))
    after = sell(book, 3, 60, quantity=15, commission=3)
    POSITIONS.enforce(after)
    assert in_order(in_force(after), "position", "ticker", "quantity", "closing_commission", "split_off_from") == [
        (1, "A", 5, None, None),
        (2, "A", 10, 2, None),
        (3, "B", 10, None, None),
        (4, "A", 5, 1, 1),
    ]


def test_one_position_can_be_sold_by_its_number():
    book = history(opening(at=0), opening(at=1))
    assert open_positions(sell(book, 3, 60, position=2))["position"].to_list() == [1]


def test_positions_opened_after_the_day_of_a_sale_are_not_sold_by_it():
    book = history(opening(at=0), opening(at=5))
    assert open_positions(sell(book, 3, 60))["position"].to_list() == [2]


def test_a_third_of_a_share_more_or_less_by_rounding_is_no_rest():
    thirds = splits(("A", 2, 3, 1))
    after = sell(history(opening(quantity=10)), 3, 60, known_splits=thirds, quantity=3.3333333333)
    assert open_positions(after).is_empty()
    assert in_force(after)["quantity"].to_list() == [10]


def test_a_share_that_became_worthless_is_sold_for_nothing():
    assert POSITIONS.enforce(sell(history(opening()), 3, 0.0)).height == 2


@pytest.mark.parametrize(
    ("sale", "words"),
    [
        ({"quantity": 10.1}, "10.1 A cannot be sold on 2024-01-05: 10 are held then"),
        ({"ticker": "B"}, "All B cannot be sold on 2024-01-05: 0 are held then"),
        ({"position": 2}, "All A in position 2 cannot"),
        ({"at": 0}, "2024-01-02: 0 are held then"),
    ],
)
def test_more_than_is_held_cannot_be_sold(sale, words):
    with pytest.raises(PositionRefused, match=words):
        sell(history(opening(at=1)), **({"at": 3, "price": 60} | sale))


def test_what_was_sold_cannot_be_sold_again():
    sold = sell(history(opening()), 3, 60)
    with pytest.raises(PositionRefused):
        sell(sold, 4, 60)


def test_a_new_stop_holds_from_its_session_and_the_old_target_follows_the_split():
    book = history(opening(stop=80, target=150, note="mine"))
    after = with_terms(book, TWO_FOR_ONE, 1, Terms(day(3), stop=45), LATER)
    row = in_force(POSITIONS.enforce(after)).row(0, named=True)
    assert (row["event"], row["stop"], row["target"], row["terms_from"]) == ("changed", 45, 75, day(3))
    assert row["note"] == "mine"


def test_nought_drops_a_stop_or_target_and_an_empty_note_drops_the_note():
    book = history(opening(stop=80, target=150, note="mine"))
    row = in_force(with_terms(book, NO_SPLITS, 1, Terms(day(3), 0, 0, ""), LATER)).row(0, named=True)
    assert (row["stop"], row["target"], row["note"]) == (None, None, None)


@pytest.mark.parametrize(
    ("position", "terms", "words"),
    [
        (2, Terms(day(3), stop=1), "no position 2"),
        (1, Terms(day(0), stop=1), "set for 2024-01-03, which is after 2024-01-02"),
        (1, Terms(day(3), stop=150), "stop 150 of position 1 would not be below its target 150"),
    ],
)
def test_terms_that_make_no_sense_are_refused(position, terms, words):
    with pytest.raises(PositionRefused, match=words):
        with_terms(history(opening(at=1, target=150)), NO_SPLITS, position, terms, LATER)


def test_a_removed_position_counts_no_more_and_stays_in_the_history():
    book = without(history(opening(), opening("B")), 1, LATER)
    assert in_force(POSITIONS.enforce(book))["position"].to_list() == [2]
    assert book.filter(pl.col("position") == 1)["event"].to_list() == ["opened", "removed"]
    with pytest.raises(PositionRefused, match="no position 1"):
        without(book, 1, LATER)


def test_the_number_of_a_removed_position_is_not_given_again():
    book = without(history(opening()), 1, LATER)
    assert with_openings(book, [opening("B")], LATER)["position"].max() == 2


def test_a_purchase_is_known_by_ticker_day_quantity_and_price_until_it_is_removed():
    book = sell(history(opening(), opening("B")), 3, 60, quantity=4)
    assert recorded_before(book, opening("A")) == 1
    assert recorded_before(book, opening("A", price=100.01)) is None
    assert recorded_before(without(book, 1, LATER), opening("A")) is None


def test_a_sound_purchase_has_no_fault():
    assert faults(opening("BRK.A", 0.001, 600_000, stop=1, target=2, commission=0), LATEST) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"ticker": ""}, "the ticker is empty"),
        ({"ticker": " A"}, "spaces"),
        ({"ticker": "A\x1b"}, "beyond ASCII"),
        ({"quantity": 0}, "the quantity 0 is not above 0"),
        ({"quantity": -1}, "the quantity -1"),
        ({"quantity": float("nan")}, "the quantity nan"),
        ({"quantity": float("inf")}, "the quantity inf"),
        ({"price": 0}, "the price 0"),
        ({"stop": 0}, "the stop 0"),
        ({"target": -1}, "the target -1"),
        ({"commission": -0.01}, "the commission -0.01"),
        ({"stop": 5, "target": 5}, "the stop 5 is not below the target 5"),
    ],
)
def test_an_impossible_purchase_says_why(changed, words):
    (fault,) = faults(opening(**changed), LATEST)
    assert words in fault


def test_every_fault_of_a_purchase_is_reported():
    assert len(faults(opening("", 0, 0, commission=-1), LATEST)) == 4


@pytest.mark.parametrize(
    ("on", "words"),
    [
        (date(2024, 1, 6), "2024-01-06 is a Saturday without trading; the sessions around it are 2024-01-05 and 2024"),
        (date(2024, 3, 1), "2024-03-01 is yet to come; the latest session is 2024-02-29"),
        (date(1999, 1, 4), "1999-01-04 lies before the exchange's calendar, which begins on 2003-01-02"),
    ],
)
def test_a_day_on_which_nothing_can_be_traded_says_why(on, words):
    (fault,) = day_faults(on, LATEST)
    assert words in fault


def test_sales_and_terms_are_judged_like_purchases():
    assert sale_faults(Sale("A", 0.0, day(3)), LATEST) == []
    assert len(sale_faults(Sale("A", -1, date(2024, 1, 6), quantity=0, commission=-1), LATEST)) == 4
    assert term_faults(Terms(day(3), 0, 0), LATEST) == []
    assert len(term_faults(Terms(date(2024, 1, 6), -1, float("nan")), LATEST)) == 3


def test_the_moment_of_recording_is_kept():
    assert history(opening())["recorded_at"].item() == RECORDED_AT
