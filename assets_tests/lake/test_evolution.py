from datetime import date
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest

from assets_tests.lake.conftest import JAN_2, JAN_3
from pipeline.contracts.table import Table
from pipeline.errors import ContractBroken
from pipeline.lake.lake import Lake
from pipeline.lake.sql import connect
from pipeline.venues.us_stocks import US_STOCKS


def table(**columns: type[pl.DataType]) -> Table:
    key = {"ticker": pa.Column(pl.String), "session": pa.Column(pl.Date)}
    values = {name: pa.Column(dtype, nullable=True) for name, dtype in columns.items()}
    return Table(US_STOCKS, "notes", pa.DataFrameSchema(key | values), ("ticker", "session"), "For tests.")


def row(session: date, **values: object) -> pl.DataFrame:
    return pl.DataFrame([{"ticker": "A", "session": session, **values}])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path)
    lake.replace(table(x=pl.Float64), [JAN_2], [row(JAN_2, x=1.0)], run_id="r")
    return lake


def test_a_column_new_to_the_contract_joins_the_table_and_is_null_in_older_rows(lake: Lake) -> None:
    wider = table(x=pl.Float64, y=pl.Float64)
    lake.replace(wider, [JAN_3], [row(JAN_3, x=2.0, y=3.0)], run_id="r")
    expected = [("A", JAN_2, 1.0, None), ("A", JAN_3, 2.0, 3.0)]
    assert lake.scan(wider).sort("session").collect().rows() == expected
    assert connect(lake).sql("SELECT ticker, session, x, y FROM stocks.notes ORDER BY session").rows() == expected


@pytest.mark.thorough
def test_a_column_that_the_contract_dropped_is_read_no_more_and_its_old_values_stay(lake: Lake) -> None:
    other = table(y=pl.Float64)
    lake.replace(other, [JAN_3], [row(JAN_3, y=3.0)], run_id="r")
    assert lake.scan(other).sort("session").collect().rows() == [("A", JAN_2, None), ("A", JAN_3, 3.0)]
    assert connect(lake).sql("SELECT x FROM stocks.notes ORDER BY session").rows() == [(1.0,), (None,)]


def test_a_column_of_another_type_is_an_error_that_leaves_the_table_as_it_was(lake: Lake) -> None:
    changed = table(x=pl.String)
    with pytest.raises(ContractBroken, match="backfill"):
        lake.replace(changed, [JAN_3], [row(JAN_3, x="two")], run_id="r")
    assert lake.scan(table(x=pl.Float64)).collect().rows() == [("A", JAN_2, 1.0)]
