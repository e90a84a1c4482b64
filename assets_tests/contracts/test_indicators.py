"""What the declaration of an indicator's column needs, and the errors when something is missing."""

import polars as pl
import pytest

from assets_tests.stocks import indicators_table
from pipeline.contracts.indicators import UNITS, IndicatorColumn
from pipeline.errors import IndicatorError


@pytest.mark.parametrize("unit", UNITS)
def test_a_column_states_what_it_is_measured_in(unit):
    assert IndicatorColumn("range_20", "Highest high less lowest low.", unit=unit).unit == unit


@pytest.mark.parametrize("unit", [{}, {"unit": None}, {"unit": "USD"}])
def test_a_column_that_states_no_unit_says_what_to_write(unit):
    with pytest.raises(IndicatorError) as refused:
        IndicatorColumn("range_20", "Highest high less lowest low, USD.", **unit)
    assert "range_20" in refused.value.message
    for one in UNITS:
        assert f'unit="{one}"' in refused.value.remedy


@pytest.mark.parametrize("dtype", [pl.Boolean, pl.String])
def test_what_is_no_number_has_no_price(dtype):
    IndicatorColumn("is_high", "Whether it closes high.", dtype, unit="free")
    with pytest.raises(IndicatorError, match="not a number"):
        IndicatorColumn("is_high", "Whether it closes high.", dtype, unit="price")


@pytest.mark.parametrize("name", ["", "Range", "range 20", "_range", "range-20", "20_range", "range__20"])
def test_a_name_that_is_none_in_sql_is_refused(name):
    with pytest.raises(IndicatorError, match="snake_case"):
        IndicatorColumn(name, "Highest high less lowest low.", unit="price")


def column(name):
    return IndicatorColumn(name, "Something.", unit="free")


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(IndicatorError, match="twice is a column that two indicators have"):
        indicators_table([column("twice"), column("once"), column("twice")])


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("close", "stocks.daily_bars"),
        ("vwap", "stocks.intraday_features"),
        ("drawdown", "portfolio.position_marks"),
    ],
)
def test_a_column_named_as_what_stands_beside_it_is_refused(name, table):
    with pytest.raises(IndicatorError, match=f"{name} is a column that {table} has already"):
        indicators_table([column(name)])
