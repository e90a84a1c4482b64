"""Dividends told twice, told in two amounts, or told and not seen."""

import polars as pl
import pytest

from assets_tests.market.prices.doubts.walks import DAY, EVENT, SESSIONS, doubts, only, paid, walk


@pytest.mark.parametrize("apart", [1, 4])
def test_the_same_amount_some_days_later_is_one_dividend(apart):
    found = only(doubts(walk(), None, paid((EVENT, 0.805), (EVENT + apart, 0.805))))
    later = SESSIONS[EVENT + apart]
    assert (found["kind"], found["session"], found["told_date"]) == ("dividend_told_twice", later, later)
    assert (found["cash_amount"], found["leaves_out"]) == (0.805, False)
    assert found["reading"] == f"one dividend of 0.805, on {DAY}; the vendor tells it for {later} too"


@pytest.mark.parametrize(
    "dividends",
    [
        paid((EVENT, 0.8), (EVENT + 1, 0.81)),
        paid((EVENT, 0.8), (EVENT + 21, 0.8)),
        paid((EVENT, 0.1), (EVENT + 5, 0.1), (EVENT + 10, 0.1), frequency=52),
        pl.concat([paid((EVENT, 0.8)), paid((EVENT + 1, 0.8), distribution_type="special")]),
        pl.concat([paid((EVENT, 0.8)), paid((EVENT + 1, 0.8), ticker="Y")]),
        paid((EVENT, 0.8), (EVENT + 1, 0.8), currency="CAD", doubt="not_usd"),
    ],
    ids=["another amount", "a month later", "paid every week", "a special one", "of another ticker", "not in USD"],
)
def test_other_dividends_are_paid_both(dividends):
    assert doubts(walk(), None, dividends).is_empty()


def test_two_regular_amounts_of_one_day_differ():
    found = only(doubts(walk(), None, paid((EVENT, 0.2725), (EVENT, 0.2925))))
    assert (found["kind"], found["session"], found["event_date"]) == ("dividends_differ", DAY, DAY)
    assert (
        found["reading"]
        == f"one of the dividends 0.2725 and 0.2925 on {DAY}; a company pays one regular dividend a day"
    )


def test_a_special_dividend_beside_a_regular_one_is_no_doubt():
    both = pl.concat([paid((EVENT, 0.2)), paid((EVENT, 0.3), distribution_type="special")])
    assert doubts(walk(), None, both).is_empty()


def test_a_large_dividend_without_a_fall_is_doubted_and_no_rise():
    found = only(doubts(walk(), None, paid((EVENT, 15.0), distribution_type="special", frequency=0)))
    assert (found["kind"], found["told_date"], found["cash_amount"]) == ("dividend_without_drop", DAY, 15.0)
    assert not found["leaves_out"]
