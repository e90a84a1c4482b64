"""Rows that cannot be read when they are collected: what that means, and what to do about it."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from assets_tests.lake.conftest import FEB_1, JAN_2, JAN_3, PRICES, prices
from assets_tests.s3_outage import OwnServer, own_server
from pipeline.cli import report_error
from pipeline.errors import LakeUnreachable, RetryableError, TableDamaged, TableMissing
from pipeline.lake.delta.past import rows_at
from pipeline.lake.delta.reading_failures import meaning
from pipeline.lake.lake import Lake


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


def data_files(lake: Lake) -> list[str]:
    return sorted(name for name in lake.objects.names("stocks/prices/") if name.endswith(".parquet"))


def failure(rows: pl.LazyFrame) -> Exception:
    with pytest.raises((OSError, pl.exceptions.PolarsError)) as failed:
        rows.collect()
    return failed.value


def test_a_missing_data_file_is_damage_that_verify_can_name(filled: Lake) -> None:
    rows = filled.scan(PRICES).group_by("ticker").len()
    filled.objects.move(data_files(filled)[0], "elsewhere")
    known = meaning(failure(rows), filled.store)
    assert isinstance(known, TableDamaged)
    assert "A data file of the lake is missing or damaged" in known.message
    assert "`candlelake verify`" in known.remedy


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"damaged")])
def test_a_write_beside_rows_whose_file_is_missing_or_damaged_is_refused_with_what_to_do(tmp_path, damage) -> None:
    lake = Lake(tmp_path)
    lake.replace(PRICES, [JAN_2, JAN_3], [prices(JAN_2, A=1.0), prices(JAN_3, A=1.0)], run_id="r")
    for file in tmp_path.rglob("*.parquet"):
        damage(file)
    with pytest.raises(TableDamaged, match=r"data file of the lake is missing or damaged: part-.*\.parquet") as refused:
        lake.replace(PRICES, [JAN_3], [prices(JAN_3, A=2.0)], run_id="r")
    assert "candlelake verify --repair" in refused.value.remedy


def test_a_data_file_that_is_no_parquet_any_more_is_damage_that_verify_can_name(filled: Lake) -> None:
    for name in data_files(filled):
        filled.objects.put(name, b"nothing of the kind" * 9)
    known = meaning(failure(filled.scan(PRICES)), filled.store)
    assert isinstance(known, TableDamaged)
    assert "is missing or damaged" in known.message


def test_an_error_in_what_is_made_of_the_rows_means_nothing_else(filled: Lake) -> None:
    assert meaning(failure(filled.scan(PRICES).select("nothing")), filled.store) is None
    assert meaning(failure(filled.scan(PRICES).select(pl.col("ticker").cast(pl.Int64))), filled.store) is None


def test_an_error_of_the_system_elsewhere_means_nothing_of_the_lake(filled: Lake, tmp_path: Path) -> None:
    for failed in (FileNotFoundError(2, "No such file or directory", "notes.txt"), PermissionError(13, "denied")):
        assert meaning(failed, filled.store) is None


@pytest.mark.thorough
def test_a_server_that_is_gone_when_rows_are_collected_is_an_error_that_may_pass_and_does(own: OwnServer) -> None:
    lake = Lake(own.server.place())
    lake.replace(PRICES, [JAN_2, FEB_1], [prices(JAN_2, A=1.0), prices(FEB_1, A=2.0)], run_id="r")
    rows = lake.scan(PRICES).sort("session")
    own.kill()
    known = meaning(failure(rows), lake.store)
    assert isinstance(known, LakeUnreachable)
    assert isinstance(known, RetryableError)
    assert "then try again" in known.remedy
    own.restart()
    assert rows.collect()["close"].to_list() == [1.0, 2.0]


def test_a_command_that_meets_a_missing_data_file_says_so_in_one_line(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("CANDLELAKE_HOME", str(tmp_path))
    lake = Lake(tmp_path / "lake")
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
    Path(lake.root, data_files(lake)[0]).unlink()
    wrapped = RuntimeError("as a run wraps it")
    wrapped.__cause__ = failure(lake.scan(PRICES))
    assert report_error(wrapped) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: A data file of the lake is missing or damaged")
    assert line.endswith("then `candlelake verify --repair`.")


def test_a_past_version_whose_files_a_vacuum_took_is_reported_as_such(tmp_path):
    lake = Lake(tmp_path)
    for close in (1.0, 2.0):
        lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=close)], run_id="r")
    newest = lake.version(PRICES)
    (needed,) = (Path(file) for file in lake.open(PRICES).file_uris())
    for file in Path(lake.uri(PRICES)).glob("month=*/*.parquet"):
        if file != needed:
            file.unlink()
    with pytest.raises(TableMissing, match="a vacuum removed its files"):
        rows_at(lake, PRICES, newest - 1, JAN_2, JAN_2)
    assert rows_at(lake, PRICES, newest, JAN_2, JAN_2)["close"].to_list() == [2.0]
