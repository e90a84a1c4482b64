from datetime import date

import polars as pl
import pytest

from pipeline.market.screen.exchange_test_symbols import is_exchange_test_symbol


def is_test(ticker: str, session: date = date(2024, 3, 4)) -> bool:
    row = pl.DataFrame({"ticker": [ticker], "session": [session]})
    return row.select(is_exchange_test_symbol()).item()


@pytest.mark.parametrize(
    "ticker",
    [
        *("ZVZZT", "ZWZZT", "ZXZZT", "ZJZZT", "ZAZZT", "ZBZZT", "ZCZZT", "ZVZZC", "ZXYZ.A", "ZBZX", "ZTEST"),
        *("ZTST", "CBO", "CBX", "IBO", "IGZ", "ZVV", "ZEXIT", "ZIEXT", "ZXIET", "TEST", "NTEST", "NTEST.A"),
        *("NTEST.B", "ATEST", "ATEST.C", "CTEST", "CTEST.E", "MTEST", "PTEST", "PTEST.W", "NTEST-A"),
    ],
)
def test_a_test_symbol_of_an_exchange_is_recognised(ticker):
    assert is_test(ticker)


@pytest.mark.parametrize(
    "ticker",
    [
        *("AAPL", "NA", "TRUE", "1E5", "AAp", "ZTS", "ZTSTF", "ZVZZTX", "AZVZZT", "zvzzt", "Ntest", "CONTEST"),
        *("TESTING", "BEST", "ZZT", "CBOE", "ZION", "ZBH", "IBM", "ZVVA"),
    ],
)
def test_a_security_is_not_taken_for_a_test_symbol(ticker):
    assert not is_test(ticker)


def test_a_test_symbol_that_became_a_fund_counts_as_a_test_only_before():
    assert is_test("ZZZ", date(2022, 12, 30))
    assert not is_test("ZZZ", date(2024, 1, 2))
