"""Splits in doubt within the time of a holding."""

from datetime import UTC, datetime

import polars as pl
import pytest

from assets_tests.market.holdings import day
from pipeline.contracts.reference import SPLITS
from pipeline.market.portfolio.doubts import doubts_of_holdings, split_doubts
from pipeline.market.securities.listings import LISTING

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
HELD = pl.DataFrame(
    {"position": [1, 2], "ticker": ["A", "B"], "bought_as": None, "opened": [day(2)] * 2, "session": [day(6)] * 2}
)


def told(*rows):
    """Return splits as the vendor has them, given as ticker, number of the session, old, new, doubt."""
    columns = ("ticker", "execution_date", "split_from", "split_to", "doubt")
    seen = {"first_seen_at": NOW, "last_seen_at": NOW}
    dicts = [
        dict(zip(columns, (ticker, None if at is None else day(at), *rest), strict=True)) | seen
        for ticker, at, *rest in rows
    ]
    return pl.DataFrame(dicts, schema=SPLITS.columns)


def test_two_ratios_of_a_day_are_one_doubt_with_both():
    found = split_doubts(told(("A", 4, 15.0, 1.0, "conflicting"), ("A", 4, 10.0, 1.0, "conflicting")))
    assert found.rows() == [
        ("A", day(4), day(4), f"a split of {day(4)} is in doubt and not applied: 1 for 10 or 1 for 15")
    ]


def test_a_ratio_that_cannot_be_read_is_named_so():
    rows = told(("A", 4, None, 1.0, "unreadable"), ("A", 4, 1.5, 0.0, "not_positive"))
    assert split_doubts(rows)["doubt"].to_list() == [
        f"a split of {day(4)} is in doubt and not applied: 0 for 1.5 or unreadable"
    ]


def test_a_split_that_is_applied_repeated_withdrawn_or_without_a_day_is_no_doubt():
    rows = told(("A", 4, 1.0, 2.0, None), ("A", 4, 1.0, 2.0, "repeated"), ("A", None, 1.0, 2.0, "unreadable"))
    withdrawn = told(("A", 5, 1.0, 2.0, "conflicting")).with_columns(withdrawn_at=pl.lit(NOW))
    assert split_doubts(pl.concat([rows, withdrawn])).is_empty()


@pytest.mark.parametrize(("at", "is_named"), [(2, False), (3, True), (6, True), (7, False)])
def test_a_doubt_counts_from_the_day_after_the_purchase_to_the_session(at, is_named):
    doubted = split_doubts(told(("A", at, 1.0, 2.0, "conflicting"), ("C", 4, 1.0, 2.0, "conflicting")))
    assert doubts_of_holdings(HELD, doubted)["position"].to_list() == ([1] if is_named else [])


def test_a_doubt_counts_for_the_security_that_is_held_under_whatever_ticker():
    listed = pl.DataFrame(
        [
            ("OLD", "figi of the company", "CS", None, day(3)),
            ("A", "figi of the company", "CS", day(4), None),
            ("OLD", "figi of another", "CS", day(4), None),
        ],
        schema=LISTING,
        orient="row",
    )
    held = HELD.head(1).with_columns(bought_as=pl.lit("OLD"))
    doubted = split_doubts(told(("A", 5, 1.0, 2.0, "conflicting"), ("OLD", 6, 1.0, 3.0, "conflicting")))
    found = doubts_of_holdings(held, doubted, listed)
    assert found.select("ticker", "day").rows() == [("A", day(5))]


def test_a_split_in_doubt_on_the_day_of_a_rename_may_be_stated_for_the_former_ticker():
    listed = pl.DataFrame(
        [
            ("OLD", "figi of the company", "CS", None, day(3)),
            ("A", "figi of the company", "CS", day(4), None),
        ],
        schema=LISTING,
        orient="row",
    )
    held = HELD.head(1).with_columns(bought_as=pl.lit("OLD"))
    found = doubts_of_holdings(held, split_doubts(told(("OLD", 4, 1.0, 2.0, "conflicting"))), listed)
    assert found.select("ticker", "day").rows() == [("A", day(4))]
