"""What a column is measured in decides what a split makes of it."""

import polars as pl
import pytest

from assets_tests.market.indicators.tape import SESSIONS, traded, wandering
from assets_tests.stocks import indicators
from pipeline.market.indicators import INDICATORS
from pipeline.market.prices.adjust import PRICES

FACTOR = {"price": 0.25, "shares": 4.0, "free": 1.0}
COLUMNS = [column for indicator in INDICATORS for column in indicator.columns]


@pytest.fixture(scope="module")
def before_and_after():
    """Return the indicators of some bars, and of the same bars in shares a quarter as dear."""
    bars = traded(wandering(len(SESSIONS), seed=3), ticker="A", seed=3)
    cheaper = bars.with_columns(*(pl.col(name) * 0.25 for name in PRICES), pl.col("volume") * 4)
    return indicators(bars, SESSIONS, SESSIONS[0]), indicators(cheaper, SESSIONS, SESSIONS[0])


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_split_multiplies_each_column_as_its_unit_says(before_and_after, column):
    before, after = before_and_after
    assert before[column.name].null_count() < len(before)
    expected = before[column.name]
    if column.dtype.is_numeric():
        expected = expected * FACTOR[column.unit]
    # Four is a power of two: nothing is rounded.
    assert after[column.name].cast(pl.Float64).to_list() == expected.cast(pl.Float64).to_list()
