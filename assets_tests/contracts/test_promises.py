import math
from datetime import UTC, date, datetime

import pandera.errors
import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.examples import examples
from assets_tests.stocks import EVERY_TABLE
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.minutes import MINUTE_BARS
from pipeline.contracts.promises import Promises
from pipeline.contracts.table import Table

VALUES = {
    pl.String: st.sampled_from(["AAPL", "", "a" * 64, None]),
    pl.Date: st.sampled_from([date(2024, 1, 5), date(2024, 7, 5), None]),
    pl.Float64: st.sampled_from([0.0, 0.5, 1.0, 10.0, -1.0, 120.0, 2.0**53, math.inf, -math.inf, math.nan, None]),
    pl.Int64: st.sampled_from([0, 1, 5, -1, None]),
    pl.Int32: st.sampled_from([0, 1, 5, -1, None]),
    pl.Int8: st.sampled_from([0, 1, 5, -1, None]),
    pl.Boolean: st.sampled_from([True, False, None]),
    pl.Datetime: st.sampled_from(
        [
            None,
            datetime(2024, 1, 5, 9, tzinfo=UTC),
            datetime(2024, 1, 5, 8, 59, tzinfo=UTC),
            datetime(2024, 1, 6, 1, tzinfo=UTC),
            datetime(2024, 1, 6, 1, 1, tzinfo=UTC),
            datetime(2024, 7, 5, 8, tzinfo=UTC),
            datetime(2024, 7, 5, 8, 0, 30, tzinfo=UTC),
        ]
    ),
}


def says_pandera(table: Table, rows: pl.DataFrame) -> bool:
    try:
        table.schema.validate(rows, lazy=True)
    except pandera.errors.SchemaErrors:
        return False
    return True


@pytest.mark.parametrize("table", EVERY_TABLE, ids=lambda table: table.name)
@given(st.data())
@examples(60, quick=3)
def test_promises_are_kept_exactly_when_pandera_has_nothing_against_the_rows(table, data):
    drawn = {name: VALUES[dtype.base_type()] for name, dtype in table.columns.items() if dtype.base_type() in VALUES}
    # One value in many, so that some rows keep every promise.
    ordinary = {name: data.draw(values.filter(lambda value: value is not None)) for name, values in drawn.items()}
    other = data.draw(st.sampled_from(sorted(drawn)))
    rows = [ordinary, {**ordinary, other: data.draw(drawn[other])}]
    schema = {name: table.columns[name] for name in drawn}
    lists = {name: pl.lit([]).cast(dtype) for name, dtype in table.columns.items() if name not in drawn}
    frame = pl.DataFrame(rows, schema=schema).with_columns(**lists).select(list(table.columns))
    assert Promises(table.schema).kept_by(frame) is says_pandera(table, frame)


@pytest.mark.parametrize("minute", ["09:00", "23:59", "00:59", "01:00"])
def test_a_bar_may_keep_every_promise(minute):
    day = "2024-01-05" if minute > "01:00" else "2024-01-06"
    at = datetime.fromisoformat(f"{day}T{minute}+00:00")
    bar = {"ticker": "A", "session": date(2024, 1, 5), "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0}
    rows = pl.DataFrame([{**bar, "volume": 0.0, "transactions": 0, "minute": at}], schema=MINUTE_BARS.columns)
    assert Promises(MINUTE_BARS.schema).kept_by(rows)


def test_columns_of_another_type_or_in_another_number_keep_no_promise():
    promises = Promises(DAILY_BARS.schema)
    assert promises.kept_by(DAILY_BARS.empty())
    assert not promises.kept_by(DAILY_BARS.empty().drop("close"))
    assert not promises.kept_by(DAILY_BARS.empty().with_columns(extra=1))
    assert not promises.kept_by(DAILY_BARS.empty().with_columns(pl.col("volume").cast(pl.Float32)))


@pytest.mark.parametrize(("ignore_na", "expected"), [(True, True), (False, False)])
def test_a_null_keeps_a_promise_unless_its_check_says_otherwise(ignore_na, expected):
    column = pa.Column(pl.Float64, pa.Check.gt(0, ignore_na=ignore_na), nullable=True)
    assert Promises(pa.DataFrameSchema({"x": column})).kept_by(pl.DataFrame({"x": [None, 1.0]})) is expected
