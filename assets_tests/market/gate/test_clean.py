import math
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipeline.errors import ContractBroken
from pipeline.market.gate.clean import Cleaned, clean
from pipeline.venues.us_stocks import US_STOCKS

SESSION = date(2024, 1, 5)
NEW_YORK = ZoneInfo("America/New_York")
SCHEMA = {
    "row_number": pl.Int64,
    "malformed": pl.Boolean,
    "ticker": pl.String,
    "volume": pl.Float64,
    "open": pl.Float64,
    "close": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "window_start": pl.Int64,
    "transactions": pl.Int64,
}


def new_york(*clock: int) -> int:
    return int(datetime(*clock, tzinfo=NEW_YORK).timestamp()) * 10**9


MIDNIGHT = new_york(2024, 1, 5)
GOOD = {
    "malformed": False,
    "ticker": "AAPL",
    "volume": 1000.0,
    "open": 10.0,
    "close": 11.0,
    "high": 12.0,
    "low": 9.0,
    "window_start": MIDNIGHT,
    "transactions": 7,
}


def frame(*rows: dict) -> pl.DataFrame:
    """Return rows given by what differs from a good one."""
    numbered = [{"row_number": number, **GOOD, **row} for number, row in enumerate(rows, 1)]
    return pl.DataFrame(numbered, schema=SCHEMA, orient="row")


def cleaned(*rows: dict) -> Cleaned:
    return clean(frame(*rows), SESSION, US_STOCKS)


def reasons(*rows: dict) -> dict[int, list[str]]:
    return dict(cleaned(*rows).rejected.iter_rows())


def counts(result: Cleaned) -> tuple[int, int, int, int]:
    return result.rows_read, result.kept, result.duplicates, result.quarantined


def test_a_valid_row_is_kept_as_it_is():
    result = cleaned({})
    assert counts(result) == (1, 1, 0, 0)
    assert result.bars.to_dicts() == [{"row_number": 1, **{k: v for k, v in GOOD.items() if k != "malformed"}}]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"malformed": True, "open": None}, ["malformed_row"]),
        ({"ticker": ""}, ["missing_ticker"]),
        ({"ticker": None}, ["missing_ticker"]),
        ({"ticker": " \t"}, ["missing_ticker"]),
        ({"ticker": " AAPL"}, ["malformed_ticker"]),
        ({"ticker": "AAPL "}, ["malformed_ticker"]),
        ({"ticker": "AA\x07PL"}, ["malformed_ticker"]),
        ({"ticker": "AA\u200bPL"}, ["malformed_ticker"]),
        ({"ticker": "\ufeffAAPL"}, ["malformed_ticker"]),
        ({"ticker": "AA\u2028PL"}, ["malformed_ticker"]),
        ({"volume": None}, ["not_a_number"]),
        ({"close": math.nan}, ["not_a_number"]),
        ({"high": math.inf}, ["not_a_number"]),
        ({"low": -math.inf}, ["not_a_number"]),
        ({"window_start": None}, ["not_a_number"]),
        ({"transactions": None}, ["not_a_number"]),
        ({"low": 0.0}, ["non_positive_price"]),
        ({"low": -1.0}, ["non_positive_price"]),
        ({"high": 8.0, "low": 9.0}, ["high_below_low", "open_or_close_outside_range"]),
        ({"open": 12.5}, ["open_or_close_outside_range"]),
        ({"close": 8.99}, ["open_or_close_outside_range"]),
        ({"volume": -0.5}, ["negative_volume"]),
        ({"volume": 2.0**53}, ["volume_too_large"]),
        ({"transactions": -1}, ["negative_transactions"]),
        ({"window_start": MIDNIGHT - 1}, ["wrong_session"]),
        ({"window_start": new_york(2024, 1, 6)}, ["wrong_session"]),
        ({"window_start": MIDNIGHT // 1000}, ["wrong_session"]),
        ({"window_start": 2**63 - 1}, ["wrong_session"]),
        (
            {"ticker": "", "volume": 0.0, "open": 0.0, "close": 0.0, "high": 0.0, "low": 0.0, "transactions": 0},
            ["missing_ticker", "non_positive_price"],
        ),
        (
            {"ticker": "", "volume": -1.0, "transactions": -1, "window_start": 0},
            ["missing_ticker", "negative_volume", "negative_transactions", "wrong_session"],
        ),
    ],
)
def test_a_bad_row_is_rejected_with_its_reasons_in_order(row, expected):
    assert reasons(row) == {1: expected}
    assert reasons({"ticker": "IBM"}, row) == {2: expected}


@pytest.mark.parametrize(
    "row",
    [
        {"volume": 0.0, "transactions": 0},
        {"volume": 2.0**53 - 1},
        {"volume": 2036584.149027},
        {"open": 9.0, "close": 12.0},
        {"open": 9.0, "close": 9.0, "high": 9.0, "low": 9.0},
        {"window_start": new_york(2024, 1, 5, 16)},
        {"window_start": new_york(2024, 1, 6) - 1},
        *({"ticker": ticker} for ticker in ("NA", "NULL", "nan", "TRUE", "1E5", "AAp", "BRK A", "ÜÖ", "0001", "-")),
    ],
)
def test_an_unusual_but_valid_row_is_kept_exactly(row):
    result = cleaned(row)
    assert counts(result) == (1, 1, 0, 0)
    assert result.bars.select(list(row)).to_dicts() == [row]


@pytest.mark.parametrize("day", [date(2024, 3, 10), date(2024, 11, 3), date(2024, 7, 3), date(2024, 1, 5)])
def test_a_session_is_the_new_york_date_also_when_clocks_change(day):
    hours = range(-3 * 3600, 30 * 3600, 1800)
    start = int(datetime(day.year, day.month, day.day, 4, tzinfo=UTC).timestamp())
    rows = frame(*({"ticker": f"T{hour}", "window_start": (start + hour) * 10**9} for hour in hours))
    kept = {h for h in hours if datetime.fromtimestamp(start + h, NEW_YORK).date() == day}
    assert set(clean(rows, day, US_STOCKS).bars["ticker"]) == {f"T{hour}" for hour in kept}


def test_identical_rows_collapse_and_are_counted():
    result = cleaned({}, {"ticker": "IBM"}, {}, {})
    assert counts(result) == (4, 2, 2, 0)
    assert result.bars["row_number"].to_list() == [1, 2]


def test_tickers_that_differ_in_case_are_two_bars():
    assert counts(cleaned({"ticker": "AAP"}, {"ticker": "AAp"})) == (2, 2, 0, 0)


def test_the_differing_row_with_most_transactions_stays():
    result = cleaned({"transactions": 5, "volume": 9e6}, {"transactions": 8, "volume": 1.0}, {"transactions": 6})
    assert result.bars["row_number"].to_list() == [2]
    assert dict(result.rejected.iter_rows()) == {1: ["conflicting_duplicate"], 3: ["conflicting_duplicate"]}


def test_with_equal_transactions_the_larger_volume_stays():
    assert cleaned({"volume": 5.0}, {"volume": 5.5}, {"volume": 4.0}).bars["volume"].to_list() == [5.5]


def test_a_full_tie_is_decided_by_the_prices_whatever_the_order():
    low, high = {"close": 10.5}, {"close": 10.6}
    assert cleaned(low, high).bars["close"].to_list() == cleaned(high, low).bars["close"].to_list() == [10.6]


def test_rows_that_differ_in_nothing_but_the_window_conflict_and_the_later_stays():
    result = cleaned({"window_start": MIDNIGHT}, {"window_start": MIDNIGHT + 1})
    assert counts(result) == (2, 1, 0, 1)
    assert result.bars["row_number"].to_list() == [2]


def test_a_volume_of_minus_zero_is_zero():
    result = cleaned({"volume": -0.0, "transactions": 0}, {"volume": 0.0, "transactions": 0})
    assert counts(result) == (2, 1, 1, 0)
    assert math.copysign(1, result.bars["volume"][0]) == 1


def test_rejected_rows_come_by_row_number_whatever_the_reason():
    assert cleaned({"transactions": 1}, {"low": -1.0}, {"transactions": 2}, {}).rejected.rows() == [
        (1, ["conflicting_duplicate"]),
        (2, ["non_positive_price"]),
        (3, ["conflicting_duplicate"]),
    ]


def test_repeats_of_the_row_that_stays_are_duplicates_and_repeats_of_the_others_are_each_quarantined():
    weak = {"transactions": 1}
    assert counts(cleaned(weak, {}, weak, {})) == (4, 1, 1, 2)


def test_an_invalid_row_does_not_compete_with_a_valid_one():
    result = cleaned({"transactions": 999, "low": -1.0}, {"transactions": 1})
    assert result.bars["transactions"].to_list() == [1]
    assert dict(result.rejected.iter_rows()) == {1: ["non_positive_price"]}


def test_an_invalid_row_is_quarantined_as_often_as_it_comes():
    assert counts(cleaned({"low": -1.0}, {"low": -1.0}, {"low": -1.0})) == (3, 0, 0, 3)


def test_minute_bars_are_distinguished_by_their_window():
    rows = frame({}, {"window_start": MIDNIGHT + 60 * 10**9}, {}, {"transactions": 1})
    result = clean(rows, SESSION, US_STOCKS, key=("ticker", "window_start"))
    assert counts(result) == (4, 2, 1, 1)
    assert result.bars["window_start"].to_list() == [MIDNIGHT, MIDNIGHT + 60 * 10**9]


def test_no_rows_give_no_bars():
    result = clean(frame(), SESSION, US_STOCKS)
    assert counts(result) == (0, 0, 0, 0)
    assert result.rejected.schema == {"row_number": pl.Int64, "reasons": pl.List(pl.String)}


def test_rows_that_share_a_number_are_an_error():
    rows = frame({}, {"ticker": "IBM"}).with_columns(row_number=pl.lit(1, pl.Int64))
    with pytest.raises(ContractBroken, match="lost track"):
        clean(rows, SESSION, US_STOCKS)
