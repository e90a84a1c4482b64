"""The views on any DuckDB connection, and the catalog file a user's own client opens."""

from pathlib import Path

import duckdb
import pytest

from assets_tests.lake.conftest import JAN_2, JAN_3, PRICES, REJECTS, prices, rejects
from pipeline.errors import PlaceFailed, TableDamaged
from pipeline.lake.lake import Lake
from pipeline.lake.sql.catalog import _made_of, create_views, write_catalog
from pipeline.lake.sql.catalog_mark import names_another_place
from pipeline.lake.sql.duckdb_access import load_delta


@pytest.fixture
def filled(lake: Lake) -> Lake:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
    return lake


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return connection.execute(query).fetchall()


def test_the_views_can_be_made_on_any_connection_again_and_again(filled: Lake) -> None:
    with duckdb.connect(":memory:") as connection:
        assert create_views(connection, filled) == ["stocks.prices"]
        assert create_views(connection, filled) == ["stocks.prices"]
        assert rows(connection, "SELECT ticker, close FROM stocks.prices") == [("A", 1.0)]


def test_a_plain_client_opens_the_file_and_always_sees_the_current_version(filled: Lake, tmp_path: Path) -> None:
    path = tmp_path / "home" / "candlelake.duckdb"
    assert write_catalog(filled, path) == ["stocks.prices"]
    with duckdb.connect(str(path), read_only=True) as client:
        load_delta(client)
        assert rows(client, "SELECT session, close FROM stocks.prices") == [(JAN_2, 1.0)]
        filled.replace(PRICES, [JAN_3], [prices(JAN_3, A=2.0)], run_id="r")
        assert rows(client, "SELECT session, close FROM stocks.prices ORDER BY 1") == [(JAN_2, 1.0), (JAN_3, 2.0)]


def test_the_file_describes_the_tables_and_their_columns(filled: Lake, tmp_path: Path) -> None:
    write_catalog(filled, tmp_path / "c.duckdb")
    with duckdb.connect(str(tmp_path / "c.duckdb"), read_only=True) as client:
        views = rows(client, "SELECT comment FROM duckdb_views() WHERE view_name = 'prices'")
        columns = rows(client, "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'prices'")
    assert views == [(PRICES.description,)]
    assert columns == list(PRICES.descriptions.items())


@pytest.mark.thorough
def test_the_file_can_be_rewritten_while_somebody_reads_the_old_one(filled: Lake, tmp_path: Path) -> None:
    path = tmp_path / "candlelake.duckdb"
    write_catalog(filled, path)
    with duckdb.connect(str(path), read_only=True) as reader:
        load_delta(reader)
        filled.replace(REJECTS, [JAN_2], [rejects(JAN_2, 1)], run_id="r")
        assert write_catalog(filled, path) == ["stocks.prices", "stocks.rejects"]
        assert rows(reader, "SELECT count(*) FROM stocks.prices") == [(1,)]
    with duckdb.connect(str(path), read_only=True) as reader:
        load_delta(reader)
        assert rows(reader, "SELECT count(*) FROM stocks.rejects") == [(1,)]
    assert [file.name for file in tmp_path.glob("*candlelake*")] == ["candlelake.duckdb"]


@pytest.mark.thorough
def test_a_file_that_says_it_all_already_is_left_alone_and_one_that_does_not_is_not(
    filled: Lake, tmp_path: Path
) -> None:
    path = tmp_path / "candlelake.duckdb"
    write_catalog(filled, path)
    written = path.stat().st_ino
    filled.replace(PRICES, [JAN_3], [prices(JAN_3, A=2.0)], run_id="r")
    assert write_catalog(filled, path) == ["stocks.prices"]
    assert path.stat().st_ino == written
    path.unlink()
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE mine (a INTEGER)")
    assert write_catalog(filled, path) == ["stocks.prices"]
    with duckdb.connect(str(path), read_only=True) as client:
        load_delta(client)
        assert rows(client, "SELECT count(*) FROM stocks.prices") == [(2,)]


def test_a_failure_leaves_the_old_file_and_no_other(filled: Lake, tmp_path: Path) -> None:
    path = tmp_path / "candlelake.duckdb"
    write_catalog(filled, path)
    before = path.read_bytes()
    log = Path(filled.uri(PRICES)) / "_delta_log"
    for commit in log.iterdir():
        commit.write_text("not a log")
    with pytest.raises(TableDamaged, match=r"log of stocks\.prices"):
        write_catalog(filled, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.glob("*candlelake*")] == ["candlelake.duckdb"]


@pytest.mark.parametrize("error", [duckdb.IOException, duckdb.TransactionException, duckdb.FatalException])
def test_a_disk_that_is_full_is_one_error_with_its_remedy(
    filled: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[duckdb.Error]
) -> None:
    path = tmp_path / "candlelake.duckdb"

    def fail(*_: object) -> None:
        raise error("Could not write file: No space left on device\nmore")

    monkeypatch.setattr("pipeline.lake.sql.catalog.create_views", fail)
    with pytest.raises(PlaceFailed, match=r"No space left on device\. No table is damaged"):
        write_catalog(filled, path)
    assert list(tmp_path.glob("*.duckdb*")) == []
    assert list(tmp_path.glob(".*")) == []


def test_what_another_file_has_in_place_of_the_fingerprint_is_not_run(filled: Lake, tmp_path: Path) -> None:
    path = tmp_path / "c.duckdb"
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE MACRO catalog_made_of() AS error('it was run')")
    assert _made_of(path) == "\"error\"('it was run')".strip("'")
    write_catalog(filled, path)
    written = path.stat().st_mtime_ns
    write_catalog(filled, path)
    assert path.stat().st_mtime_ns == written


def test_an_outdated_file_is_recognized_without_duckdb_when_its_tables_have_moved(filled: Lake, tmp_path: Path) -> None:
    path = tmp_path / "candlelake.duckdb"
    assert not names_another_place(path, filled.root), "there is none"
    write_catalog(filled, path)
    assert not names_another_place(path, filled.root)
    assert names_another_place(path, f"/moved{filled.root}")
    assert names_another_place(path, filled.root.removesuffix("e"))
