"""Rows that are read when they are collected: what fails then is an error of ours, with what to do about it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from assets_tests.lake.conftest import FEB_1, JAN_2, PRICES, prices
from assets_tests.s3_outage import OwnServer, own_server
from pipeline.errors import LakeUnreachable, RetryableError, TableDamaged, TableMissing
from pipeline.lake.tables import Lake
from pipeline.publication import stored


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    place = tmp_path if request.param == "folder" else request.getfixturevalue("s3_server").place()
    lake = Lake(place)
    lake.replace(PRICES, [JAN_2, FEB_1], [prices(JAN_2, A=1.0), prices(FEB_1, A=2.0)], run_id="r")
    return lake


WAYS: dict[str, Callable[[pl.LazyFrame], pl.LazyFrame]] = {
    "as it is": lambda rows: rows,
    "some": lambda rows: rows.filter(pl.col("close") > 0).select("ticker", "close").unique(),
    "grouped": lambda rows: rows.group_by("ticker").agg(pl.col("close").max()),
    "counted": lambda rows: rows.group_by("ticker").len(),
    "joined": lambda rows: rows.join(rows.group_by("ticker").len(), on="ticker").sort("session"),
}


def data_files(lake: Lake) -> list[str]:
    return sorted(name for name in lake.objects.names("stocks/prices/") if name.endswith(".parquet"))


@pytest.mark.parametrize("way", WAYS)
def test_a_missing_data_file_is_damage_that_verify_can_name(filled: Lake, way: str) -> None:
    rows = WAYS[way](filled.scan(PRICES))
    filled.objects.move(data_files(filled)[0], "elsewhere")
    with pytest.raises(TableDamaged, match=r"A data file of .* is missing or damaged: .* `candlelake verify`"):
        rows.collect()


def test_a_data_file_that_is_no_parquet_any_more_is_damage_that_verify_can_name(filled: Lake) -> None:
    for name in data_files(filled):
        filled.objects.put(name, b"nothing of the kind" * 9)
    with pytest.raises(TableDamaged, match=r"A data file of .* is missing or damaged: .* `candlelake verify`"):
        filled.scan(PRICES).collect()


def test_an_error_in_what_is_made_of_the_rows_stays_what_it_is(filled: Lake) -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        filled.scan(PRICES).select("nothing").collect()
    with pytest.raises(pl.exceptions.InvalidOperationError):
        filled.scan(PRICES).select(pl.col("ticker").cast(pl.Int64)).collect()


def test_a_server_that_is_gone_when_rows_are_collected_is_an_error_that_may_pass_and_does(own: OwnServer) -> None:
    lake = Lake(own.server.place())
    lake.replace(PRICES, [JAN_2, FEB_1], [prices(JAN_2, A=1.0), prices(FEB_1, A=2.0)], run_id="r")
    rows = WAYS["joined"](lake.scan(PRICES))
    own.kill()
    with pytest.raises(LakeUnreachable, match=r"did not do what it was asked.*then try again") as failed:
        rows.collect()
    assert isinstance(failed.value, RetryableError)
    own.restart()
    assert rows.collect()["close"].to_list() == [1.0, 2.0]


def test_a_past_version_whose_files_a_vacuum_took_is_told_as_such(tmp_path):
    lake = Lake(tmp_path)
    for close in (1.0, 2.0):
        lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=close)], run_id="r")
    newest = lake.version(PRICES)
    (needed,) = (Path(file) for file in lake.open(PRICES).file_uris())
    for file in Path(lake.uri(PRICES)).glob("month=*/*.parquet"):
        if file != needed:
            file.unlink()
    with pytest.raises(TableMissing, match="a vacuum removed its files"):
        stored(lake, PRICES, newest - 1, JAN_2, JAN_2)
    assert stored(lake, PRICES, newest, JAN_2, JAN_2)["close"].to_list() == [2.0]
