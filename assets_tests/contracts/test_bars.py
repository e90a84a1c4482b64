from datetime import date

import polars as pl
import pytest

from pipeline.contracts.bars import DAILY_BARS
from pipeline.errors import ContractBroken

BAR = {
    "ticker": "AAPL",
    "session": date(2024, 1, 5),
    "open": 10.0,
    "high": 12.0,
    "low": 9.0,
    "close": 11.0,
    "volume": 1000.25,
    "transactions": 7,
}


def bars(*changes: dict) -> pl.DataFrame:
    return pl.DataFrame([BAR | change for change in changes], schema=DAILY_BARS.columns, orient="row")


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"volume": 0.0, "transactions": 0},
        {"open": 9.0, "close": 12.0},
        {"open": 9.0, "high": 9.0, "low": 9.0, "close": 9.0},
        {"ticker": "NA"},
    ],
)
def test_a_valid_bar_is_accepted(change):
    assert DAILY_BARS.enforce(bars(change)).to_dicts() == [BAR | change]


@pytest.mark.parametrize(
    "change",
    [
        {"ticker": ""},
        {"ticker": None},
        {"session": None},
        {"low": 0.0},
        {"low": -1.0},
        {"high": None},
        {"open": 12.01},
        {"close": 8.99},
        {"high": 8.0},
        {"volume": -0.01},
        {"volume": None},
        {"transactions": -1},
        {"transactions": None},
    ],
)
def test_an_invalid_bar_is_kept_out(change):
    with pytest.raises(ContractBroken):
        DAILY_BARS.enforce(bars({"ticker": "IBM"}, change))


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_nan_and_the_infinities_are_kept_out_of_every_number(column, value):
    with pytest.raises(ContractBroken):
        DAILY_BARS.enforce(bars({column: value}))


def test_a_ticker_has_one_bar_a_session():
    with pytest.raises(ContractBroken, match="repeat a key"):
        DAILY_BARS.enforce(bars({}, {"close": 10.0}))


def test_tickers_that_differ_in_case_and_sessions_have_their_own_bars():
    assert len(DAILY_BARS.enforce(bars({"ticker": "AAP"}, {"ticker": "AAp"}, {"session": date(2024, 1, 8)}))) == 3
