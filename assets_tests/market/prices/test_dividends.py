import math

import polars as pl
import pytest

from assets_tests.market.corporate_actions import NO_SPLITS, day, dividends, splits
from assets_tests.market.indicators.tape import tape
from pipeline.errors import ContractBroken
from pipeline.market.prices.dividends import (
    NO_BAR_BEFORE,
    NOT_BELOW_CLOSE,
    UNAPPLIED,
    dividend_events,
    dividend_factors,
    unapplied_dividends,
)

BARS = tape([40.0, 50.0, 49.0, 60.0], at=[0, 1, 2, 6])


def events(paid: pl.DataFrame, split: pl.DataFrame = NO_SPLITS, bars: pl.DataFrame = BARS) -> pl.DataFrame:
    return dividend_events(bars, split, paid)


def test_the_factor_is_what_is_left_of_the_close_before_the_ex_date():
    (one,) = events(dividends(("A", 2, 1.0))).to_dicts()
    assert one == {
        "ticker": "A",
        "ex_dividend_date": day(2),
        "cash_amount": 1.0,
        "previous_session": day(1),
        "previous_close": 50.0,
        "dividend_factor": 1 - 1 / 50,
        "unapplied": None,
    }


def test_a_ticker_that_did_not_trade_the_day_before_is_compared_with_its_last_bar():
    (one,) = events(dividends(("A", 5, 4.9))).to_dicts()
    assert (one["previous_session"], one["dividend_factor"]) == (day(2), 1 - 4.9 / 49)


def test_on_a_split_day_the_amount_is_compared_with_the_close_in_new_shares():
    # 2:1 before session 2: the 50.00 of the day before are 25.00 a new share.
    (one,) = events(dividends(("A", 2, 1.0)), splits(("A", 2, 1, 2))).to_dicts()
    assert one["previous_close"] == 25.0
    assert one["dividend_factor"] == 1 - 1 / 25


def test_a_split_between_the_last_bar_and_the_ex_date_counts_and_others_do_not():
    around = splits(("A", 2, 1, 3), ("A", 4, 20, 1), ("A", 6, 1, 7))
    (one,) = events(dividends(("A", 5, 98.0)), around).to_dicts()
    assert one["previous_close"] == 49.0 * 20
    assert one["dividend_factor"] == 1 - 98 / 980


@pytest.mark.parametrize(("amount", "applied"), [(49.99, True), (50.0, False), (51.0, False)])
def test_an_amount_that_is_not_below_the_close_before_is_named_and_not_applied(amount, applied):
    (one,) = events(dividends(("A", 2, amount))).to_dicts()
    assert (one["dividend_factor"] is not None) == applied
    assert one["unapplied"] == (None if applied else NOT_BELOW_CLOSE)


def test_an_amount_below_the_old_close_but_not_below_that_of_a_new_share_is_not_applied():
    assert events(dividends(("A", 2, 30.0)), splits(("A", 2, 1, 2)))["unapplied"].to_list() == [NOT_BELOW_CLOSE]


def test_a_dividend_before_the_first_bar_or_of_an_unknown_ticker_is_named_and_not_applied():
    history = events(dividends(("A", 0, 1.0), ("NEW", 3, 1.0), ("A", 1, 1.0)))
    unapplied = unapplied_dividends(history)
    assert unapplied.select("ticker", "ex_dividend_date", "unapplied").rows() == [
        ("A", day(0), NO_BAR_BEFORE),
        ("NEW", day(3), NO_BAR_BEFORE),
    ]
    assert set(unapplied["unapplied"]) <= set(UNAPPLIED)


def test_between_two_sessions_the_factors_multiply_and_the_way_back_is_the_reciprocal():
    history = events(dividends(("A", 1, 4.0), ("A", 2, 5.0), ("A", 6, 49.0)))
    spans = pl.DataFrame(
        {"ticker": ["A"] * 4, "since": [day(k) for k in (0, 1, 2, 2)], "until": [day(k) for k in (9, 2, 0, 2)]}
    )
    assert dividend_factors(history, spans)["dividend_factor"].to_list() == pytest.approx(
        [0.9 * 0.9, 0.9, 1 / 0.81, 1.0]
    )


def test_the_order_of_bars_and_dividends_does_not_matter():
    paid = dividends(("A", 6, 1.0), ("A", 1, 1.0), ("A", 2, 1.0))
    assert events(paid.reverse(), bars=BARS.reverse()).equals(events(paid))


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf, None])
def test_an_amount_that_is_no_positive_number_is_refused(bad):
    with pytest.raises(ContractBroken, match="not positive"):
        events(dividends(("A", 2, bad)))


def test_two_dividends_of_a_ticker_on_a_day_are_refused():
    with pytest.raises(ContractBroken, match="several events"):
        events(dividends(("A", 2, 1.0), ("A", 2, 2.0)))
