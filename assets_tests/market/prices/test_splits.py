import math

import polars as pl
import pytest

from assets_tests.market.corporate_actions import NO_SPLITS, day, splits
from pipeline.errors import ContractBroken
from pipeline.market.prices.splits import split_factors


def factor(events: pl.DataFrame, since: int, until: int, ticker: str = "A") -> float:
    spans = pl.DataFrame({"ticker": [ticker], "since": [day(since)], "until": [day(until)]})
    return split_factors(events, spans)["split_factor"].item()


TWO_FOR_ONE = splits(("A", 5, 1, 2))


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (4, 5, 0.5),
        (0, 9, 0.5),
        (4, 4, 1.0),
        (3, 4, 1.0),
        (5, 6, 1.0),
        (5, 4, 2.0),
        (9, 0, 2.0),
        (6, 5, 1.0),
    ],
)
def test_a_split_counts_between_the_session_before_it_and_its_own_in_either_direction(since, until, expected):
    assert factor(TWO_FOR_ONE, since, until) == expected


def test_several_splits_multiply():
    events = splits(("A", 3, 1, 2), ("A", 5, 20, 1), ("A", 8, 2, 3))
    assert factor(events, 0, 9) == 20 * 2 / (2 * 3)
    assert factor(events, 3, 5) == 20.0
    assert factor(events, 9, 0) == pytest.approx(6 / 40)


def test_a_stock_dividend_of_a_twentieth_is_a_split_of_20_into_21():
    assert factor(splits(("A", 5, 20, 21)), 0, 9) == 20 / 21


def test_other_tickers_are_left_alone_also_those_that_differ_in_case():
    assert factor(splits(("AAP", 5, 1, 2)), 0, 9, ticker="AAp") == 1.0
    assert factor(NO_SPLITS, 0, 9) == 1.0


def test_the_spans_keep_their_order_and_columns():
    spans = pl.DataFrame(
        {"note": ["x", "y", "z"], "ticker": ["B", "A", "B"], "since": [day(0)] * 3, "until": [day(9)] * 3}
    )
    found = split_factors(splits(("B", 5, 1, 4), ("A", 5, 10, 1)), spans)
    assert found.select("note", "ticker", "split_factor").rows() == [
        ("x", "B", 0.25),
        ("y", "A", 10.0),
        ("z", "B", 0.25),
    ]


def test_no_span_is_no_factor():
    none = pl.DataFrame(schema={"ticker": pl.String, "since": pl.Date, "until": pl.Date})
    assert split_factors(TWO_FOR_ONE, none).is_empty()


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf, None])
def test_a_ratio_that_is_no_positive_number_is_refused(bad):
    with pytest.raises(ContractBroken, match="not positive"):
        factor(splits(("A", 5, bad, 2)), 0, 9)
    with pytest.raises(ContractBroken, match="not positive"):
        factor(splits(("A", 5, 1, bad)), 0, 9)


def test_two_splits_of_a_ticker_on_a_day_are_refused_rather_than_applied_twice():
    with pytest.raises(ContractBroken, match="several events"):
        factor(splits(("A", 5, 1, 2), ("A", 5, 1, 2)), 0, 9)
