from datetime import date, timedelta

import polars as pl

from assets_tests.market.afterwards import DAYS, NO_LISTINGS, listing
from pipeline.market.securities.names import last_days, under_security

DAY = timedelta(days=1)


def names(listed, *rows):
    """Return what the ticker of each row (ticker, session) becomes."""
    frame = pl.DataFrame(rows, schema={"ticker": pl.String, "session": pl.Date}, orient="row")
    return under_security(frame, "session", listed)["ticker"].to_list()


def test_a_security_has_its_figi_for_a_name_through_its_renames():
    listed = listing(("NEW", "BBG1", DAYS[5], None), ("OLD", "BBG1", None, DAYS[4]))
    assert names(listed, ("OLD", DAYS[4]), ("NEW", DAYS[5])) == ["BBG1", "BBG1"]
    assert names(listed, ("NEW", DAYS[4]), ("OLD", DAYS[5])) == ["NEW", "OLD"], "whoever that was"


def test_two_companies_that_used_one_ticker_have_two_names():
    known = listing(("A", "BBG1", None, DAYS[4]), ("A", "BBG2", DAYS[5], None))
    assert names(known, ("A", DAYS[4]), ("A", DAYS[5])) == ["BBG1", "BBG2"]
    unknown = listing(("A", None, None, DAYS[4]), ("A", None, DAYS[5], None))
    assert len(set(names(unknown, ("A", DAYS[4]), ("A", DAYS[5])))) == 2


def test_an_unknown_ticker_is_its_own_name():
    assert names(NO_LISTINGS, ("NA", DAYS[0]), ("na", DAYS[0])) == ["NA", "na"]


def test_rows_keep_their_order_and_columns():
    rows = pl.DataFrame({"x": [3, 1], "day": [DAYS[1], DAYS[0]], "ticker": ["B", "A"]})
    assert under_security(rows, "day", listing(("A", "BBG1", None, None))).rows() == [
        (3, DAYS[1], "B"),
        (1, DAYS[0], "BBG1"),
    ]


def test_the_day_of_delisting_may_be_the_last_day_of_trading():
    listed = listing(("A", "BBG1", None, DAYS[4] - DAY))
    assert names(listed, ("A", DAYS[4]), ("A", DAYS[5])) == ["BBG1", "A"]
    assert last_days(listed).rows() == [("BBG1", DAYS[4])]


def test_a_rename_is_no_end():
    listed = listing(("NEW", "BBG1", DAYS[5], None), ("OLD", "BBG1", None, DAYS[4]))
    assert last_days(listed).is_empty()
    delisted = listing(("NEW", "BBG1", DAYS[5], DAYS[9]), ("OLD", "BBG1", None, DAYS[4]))
    assert last_days(delisted).rows() == [("BBG1", DAYS[9] + DAY)]
    assert names(delisted, ("OLD", DAYS[5])) == ["OLD"], "the day of a rename is not stretched"


def test_a_ticker_without_a_figi_ends_too():
    assert last_days(listing(("A", None, None, date(2024, 3, 1)), ("B", None, None, None)))["last_day"].to_list() == [
        date(2024, 3, 2)
    ]
