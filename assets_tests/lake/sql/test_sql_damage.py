"""A query over a missing or damaged data file fails with that cause, and with the command that repairs it."""

from pathlib import Path

import pytest

from assets_tests.lake.conftest import JAN_2, JAN_3, PRICES, prices
from pipeline.errors import TableDamaged
from pipeline.lake.lake import Lake
from pipeline.lake.sql import Sql


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"no Parquet" * 9)])
def test_a_query_over_a_missing_or_damaged_data_file_names_it_and_the_repair(lake: Lake, damage) -> None:
    lake.replace(PRICES, [JAN_2, JAN_3], [prices(JAN_2, A=1.0), prices(JAN_3, A=1.0)], run_id="r")
    for file in Path(lake.root).rglob("*.parquet"):
        damage(file)
    with Sql(lake) as sql, pytest.raises(TableDamaged, match=r"missing or damaged: part-.*\.parquet") as refused:
        sql.sql("SELECT sum(close) FROM stocks.prices")
    assert "candlelake verify --repair" in refused.value.remedy
