"""The days that no return reaches over: splits that are not applied, and prices that contradict what is told."""

from datetime import UTC, date, datetime

import polars as pl

from pipeline.contracts.price_doubts import (
    BAD_PRINT,
    DIVIDEND_TOLD_TWICE,
    DIVIDEND_WITHOUT_DROP,
    JUMP_UNEXPLAINED,
    PRICE_DOUBTS,
)
from pipeline.contracts.reference import SPLITS
from pipeline.market.scorekeeping.days_in_doubt import days_in_doubt

DAY, OTHER = date(2024, 1, 8), date(2024, 1, 9)
SEEN = {"first_seen_at": datetime(2024, 1, 5, tzinfo=UTC), "last_seen_at": datetime(2024, 1, 5, tzinfo=UTC)}
CONFLICTING = pl.DataFrame(
    [SEEN | {"ticker": "A", "execution_date": DAY, "doubt": "conflicting"}], schema=SPLITS.columns
)


def doubts(*rows: tuple[str, date, str, bool]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"ticker": ticker, "session": day, "event_date": day, "kind": kind, "leaves_out": out}
            for ticker, day, kind, out in rows
        ],
        schema=PRICE_DOUBTS.columns,
    )


def test_a_spin_off_is_a_day_in_doubt_and_so_is_a_split_that_is_not_applied():
    found = days_in_doubt(CONFLICTING, doubts(("B", OTHER, JUMP_UNEXPLAINED, True)))
    assert sorted(found.rows()) == [("A", DAY, DAY), ("B", OTHER, OTHER)]


def test_a_wrong_price_may_be_the_one_that_was_bought_on_its_day():
    found = days_in_doubt(SPLITS.empty(), doubts(("A", DAY, BAD_PRINT, True)))
    assert found.rows() == [("A", DAY, OTHER)]


def test_a_dividend_that_the_price_does_not_show_was_perhaps_not_paid_and_one_told_twice_is_paid_once():
    told = doubts(("A", DAY, DIVIDEND_WITHOUT_DROP, False), ("B", DAY, DIVIDEND_TOLD_TWICE, False))
    assert days_in_doubt(SPLITS.empty(), told).rows() == [("A", DAY, DAY)]


def test_the_same_day_in_doubt_twice_is_one_and_unchecked_prices_are_none():
    assert days_in_doubt(CONFLICTING, doubts(("A", DAY, JUMP_UNEXPLAINED, True))).rows() == [("A", DAY, DAY)]
    assert days_in_doubt(CONFLICTING, None).rows() == [("A", DAY, DAY)]
