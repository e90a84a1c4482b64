"""Replacing sessions of a table and reading them back, on real Delta tables."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from assets_tests.lake.conftest import (
    FEB_1,
    FEB_2,
    JAN_2,
    JAN_3,
    JAN_4,
    PRICES,
    prices,
    stored_closes,
)
from pipeline.contracts.candidates import CANDIDATES
from pipeline.errors import TableDamaged, TableMissing
from pipeline.lake.lake import Lake


def test_a_scan_reads_only_the_files_that_can_hold_its_sessions(lake: Lake) -> None:
    for day in (JAN_2, JAN_3, FEB_1):
        lake.replace(PRICES, [day], [prices(day, A=1.0)], run_id="r")
    plan = lake.scan(PRICES, JAN_3, JAN_4).explain()
    assert plan.count(".parquet") == 1
    assert "month=2024-01" in plan


def test_a_scan_is_bounded_on_both_sides_and_shows_only_the_contract(lake: Lake) -> None:
    days = [JAN_2, JAN_3, FEB_1, FEB_2]
    lake.replace(PRICES, days, [prices(day, A=1.0) for day in days], run_id="r")
    assert lake.scan(PRICES, JAN_3, FEB_1).collect().schema == pl.Schema(PRICES.columns)
    assert sorted(lake.scan(PRICES, JAN_3, FEB_1, ["session"]).collect()["session"]) == [JAN_3, FEB_1]
    assert sorted(lake.scan(PRICES, start=FEB_1, columns=["session"]).collect()["session"]) == [FEB_1, FEB_2]
    assert sorted(lake.scan(PRICES, end=JAN_2, columns=["session"]).collect()["session"]) == [JAN_2]


def test_a_past_version_can_be_read(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=2.0)], run_id="r")
    assert stored_closes(lake, version=1) == {(JAN_2, "A"): 1.0}
    assert lake.history("stocks/prices")["version"].to_list() == [2, 1, 0]
    with pytest.raises(TableMissing, match="version 9"):
        lake.scan(PRICES, version=9)


def test_a_range_is_stored_in_the_order_of_the_key(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2, JAN_3], [prices(JAN_2, B=1.0, A=1.0), prices(JAN_3, B=1.0, A=1.0)], run_id="r")
    (file,) = lake.open(PRICES).file_uris()
    assert pl.read_parquet(file, columns=["ticker", "session"]).rows() == [
        ("A", JAN_2),
        ("A", JAN_3),
        ("B", JAN_2),
        ("B", JAN_3),
    ]


def test_a_missing_table_says_how_to_get_it(lake: Lake) -> None:
    assert not lake.exists(PRICES)
    for ask in (lake.scan, lake.sessions, lake.version):
        with pytest.raises(TableMissing, match="candlelake backfill"):
            ask(PRICES)
    assert lake.tables() == []


def test_a_table_whose_log_is_lost_is_neither_missing_nor_started_over(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
    for commit in (Path(lake.uri(PRICES)) / "_delta_log").iterdir():
        commit.unlink()
    with pytest.raises(TableDamaged):
        lake.scan(PRICES)
    with pytest.raises(TableDamaged):
        lake.replace(PRICES, [JAN_3], [prices(JAN_3, A=1.0)], run_id="r")


def test_a_table_and_its_columns_have_descriptions_in_delta(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
    delta = DeltaTable(lake.uri(PRICES))
    assert (delta.metadata().name, delta.metadata().description) == ("stocks.prices", PRICES.description)
    columns = {field.name: (field.metadata["comment"], field.nullable) for field in delta.schema().fields}
    assert columns["session"] == ("The trader's day.", False)
    assert columns["seen"] == ("When it was seen.", True)
    assert lake.tables() == ["stocks/prices"]


def test_times_and_nested_rows_come_back_as_they_went(lake: Lake) -> None:
    moment = datetime(2024, 1, 2, 21, 0, 0, 123456, tzinfo=UTC)
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0).with_columns(seen=pl.lit(moment))], run_id="r")
    assert lake.scan(PRICES).collect()["seen"].to_list() == [moment]

    factor = {"factor": "trend", "value": 1.5, "zscore": None, "weight": 0.5, "contribution": 0.25}
    row = {
        "model": "trend", "model_version": 1, "session": JAN_2, "rank": 1, "ticker": "NA", "score": 0.25, "close": 9.0,
        "contributions": [factor], "reasons": ["It's up.", "No, \"really\"."], "scanned": 3, "passed": 2,
    }  # fmt: skip
    rows = pl.DataFrame([row], schema=CANDIDATES.columns)
    lake.replace(CANDIDATES, [JAN_2], [rows], run_id="r")
    assert lake.scan(CANDIDATES).collect().equals(rows)
