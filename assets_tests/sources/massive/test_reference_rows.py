"""Rows of the vendor's reference answers: whatever form their values come in, none is lost."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS, vendor_columns
from pipeline.errors import AnswerRefused
from pipeline.sources.massive.reference_rows import dividend_rows, event_rows, split_rows, ticker_rows


def split(**values):
    return {"ticker": "X", "execution_date": "2024-01-05", "split_from": 1, "split_to": 2, "id": "E1"} | values


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (2, 2.0),
        (2.5, 2.5),
        ("2", 2.0),
        ("2e+06", 2_000_000.0),
        (2e6, 2_000_000.0),
        ("0.30000000000000004", 0.1 + 0.2),
        (" 7 ", 7.0),
        (0, 0.0),
        (-1, -1.0),
        (None, None),
        ("", None),
        ("two", None),
        ("1,5", None),
        ("NaN", None),
        (float("inf"), None),
        (True, None),
        ([2], None),
        ({"value": 2}, None),
    ],
)
def test_a_number_is_read_in_every_form_and_what_is_none_becomes_null(written, number):
    rows = split_rows([[split(split_to=written), split()]], "here")
    assert rows["split_to"].to_list() == [number, 2.0]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        ("2023-02-29", None),
        ("2024-1-5", None),
        ("05/01/2024", None),
        ("2024-01-05T00:00:00Z", None),
        ("", None),
        (20240105, None),
        (None, None),
    ],
)
def test_a_day_is_read_as_it_is_written_or_not_at_all(written, day):
    assert split_rows([[split(execution_date=written)]], "here")["execution_date"].to_list() == [day]


@pytest.mark.parametrize(
    ("written", "frequency"), [(4, 4), ("4", 4), (4.0, 4), ("4.0", 4), (0, 0), (2.5, None), (1e300, None), (None, None)]
)
def test_a_whole_number_stays_one(written, frequency):
    rows = dividend_rows([[{"ticker": "X", "frequency": written}]], "here")
    assert rows["frequency"].to_list() == [frequency]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2008-02-11T05:00:00Z", date(2008, 2, 11)),  # midnight in New York
        ("2008-02-12T03:00:00Z", date(2008, 2, 11)),
        ("2008-02-12T03:00:00.5Z", date(2008, 2, 11)),
        ("2019-07-15T00:00:00Z", date(2019, 7, 15)),  # a date alone
        ("2019-07-15", date(2019, 7, 15)),
        ("soon", None),
        (None, None),
    ],
)
def test_the_day_of_delisting_is_that_of_new_york(written, day):
    rows = ticker_rows([[{"ticker": "X", "active": False, "delisted_utc": written}]], "here")
    assert rows["delisted_on"].to_list() == [day]


@pytest.mark.parametrize(
    ("row", "active"),
    [
        ({"active": True}, True),
        ({"active": False}, False),
        ({"active": False, "delisted_utc": None}, False),
        ({}, True),
        ({"delisted_utc": "2019-07-15"}, False),
        ({"delisted_utc": "soon"}, False),
    ],
)
def test_a_security_is_active_unless_the_vendor_delists_it_or_gives_the_day(row, active):
    assert ticker_rows([[{"ticker": "X"} | row]], "here")["active"].to_list() == [active]


def test_tickers_stay_as_they_are_written():
    tickers = ["NA", "TRUE", "1E5", "AAp", "AAP", "null", "BRK.A"]
    rows = ticker_rows([[{"ticker": ticker} for ticker in tickers]], "here")
    assert rows["ticker"].to_list() == tickers


READERS = [(ticker_rows, TICKERS), (split_rows, SPLITS), (dividend_rows, DIVIDENDS)]


@pytest.mark.parametrize(("reader", "table"), READERS)
def test_the_columns_are_those_of_the_contract_however_many_rows_there_are(reader, table):
    for pages in ([], [[]], [[{"ticker": "X"}], [], [{"ticker": "Y", "strange": 1}]]):
        rows = reader(pages, "here")
        assert dict(rows.schema) == vendor_columns(table)
        assert len(rows) == sum(map(len, pages))


@pytest.mark.parametrize(("reader", "table"), READERS)
@pytest.mark.parametrize(
    "row", [{}, {"ticker": None}, {"ticker": ""}, {"ticker": " "}, {"ticker": 7}, "X", None, ["X"]]
)
def test_a_row_that_is_no_object_or_has_no_ticker_is_an_error_and_never_skipped(reader, table, row):
    with pytest.raises(AnswerRefused, match="here: a row is not an object or has no ticker"):
        reader([[{"ticker": "X"}], [{"ticker": "Y"}, row]], "here")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda value: st.lists(value, max_size=3) | st.dictionaries(st.sampled_from("abc"), value, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(vendor_columns(DIVIDENDS), JSON))))
def test_whatever_the_values_are_every_row_is_kept(rows):
    rows = [row | {"ticker": "X"} for row in rows]
    read = dividend_rows([rows], "here")
    assert len(read) == len(rows)
    assert read["cash_amount"].drop_nulls().is_finite().all()


FACEBOOK = {
    "name": "Meta Platforms, Inc.",
    "composite_figi": "BBG000MM2P62",
    "events": [
        {"type": "ticker_change", "date": "2022-06-09", "ticker_change": {"ticker": "META"}},
        {"type": "name_change", "date": "2021-10-28"},
        {"type": "ticker_change", "date": "2012-05-18", "ticker_change": {"ticker": "FB"}},
    ],
}


def test_each_ticker_that_a_security_took_is_a_row():
    rows = event_rows([FACEBOOK], "here")
    assert dict(rows.schema) == vendor_columns(TICKER_EVENTS)
    assert rows.rows() == [("BBG000MM2P62", "META", date(2022, 6, 9)), ("BBG000MM2P62", "FB", date(2012, 5, 18))]
    assert event_rows([], "here").equals(pl.DataFrame(schema=vendor_columns(TICKER_EVENTS)))


@pytest.mark.parametrize(
    "security",
    [
        {"events": []},
        FACEBOOK | {"composite_figi": None},
        FACEBOOK | {"events": None},
        FACEBOOK | {"events": ["FB"]},
        FACEBOOK | {"events": [{"type": "ticker_change", "ticker_change": {"ticker": "FB"}}]},
        FACEBOOK | {"events": [{"type": "ticker_change", "date": "2012-05-18"}]},
        FACEBOOK | {"events": [{"type": "ticker_change", "date": "2012-05-18", "ticker_change": {"ticker": ""}}]},
    ],
)
def test_half_a_rename_is_an_error(security):
    with pytest.raises(AnswerRefused, match="here: "):
        event_rows([FACEBOOK, security], "here")
