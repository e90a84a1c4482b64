"""Ways out of SQL that are known of DuckDB, each tried with a planted file: none of them reads, writes or tells."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest
from pytest_httpserver import HTTPServer

from assets_tests.lake.conftest import JAN_2, PRICES, prices
from pipeline.errors import QueryError
from pipeline.lake import sql as sql_module
from pipeline.lake.duckdb_access import load_delta
from pipeline.lake.sql import Sql, connect
from pipeline.lake.statement import CLOSED_FUNCTIONS
from pipeline.lake.tables import Lake

PLANTED = "planted-secret"

READING = [
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_csv_auto('{secret}')",
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{secret}')",
    "SELECT * FROM read_json('{secret}')",
    "SELECT * FROM read_json_objects('{secret}')",
    "SELECT * FROM read_ndjson('{secret}')",
    "SELECT * FROM read_duckdb('{secret}')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM system.main.read_text('{secret}')",
    "SELECT * FROM MAIN.READ_TEXT('{secret}')",
    "SELECT * FROM \"read_text\"('{secret}')",
    "SELECT /* a comment */ * FROM /**/ read_text /* another */ ('{secret}') -- and one more",
    "SELECT * FROM '{secret}'",
    'SELECT * FROM "{secret}"',
    'SELECT * FROM main."{secret}"',
    'SELECT * FROM stocks."{secret}"',
    'SELECT * FROM memory.main."{secret}"',
    "DESCRIBE '{secret}'",
    "SUMMARIZE '{secret}'",
    "FROM (SUMMARIZE '{secret}')",
    "SELECT (FROM '{secret}')",
    "SELECT * FROM read_text('{root}/../secret.csv')",
    "SELECT * FROM '{root}/../secret.csv'",
    "SELECT * FROM read_text('{root}/link.csv')",
    "SELECT * FROM '{root}/link.csv'",
    "SELECT * FROM glob('{root}/*')",
    "SELECT (SELECT count(*) FROM glob('/*'))",
    "SELECT * FROM '{root}/stocks/prices/*/*.parquet'",
    "SELECT * FROM read_parquet('{root}/stocks/prices/*/*.parquet')",
    "SELECT * FROM parquet_scan('{root}/stocks/prices/*/*.parquet')",
    "SELECT * FROM parquet_metadata('{root}/stocks/prices/*/*.parquet')",
    "SELECT * FROM parquet_schema('{root}/stocks/prices/*/*.parquet')",
    "SELECT * FROM parquet_kv_metadata('{root}/stocks/prices/*/*.parquet')",
    "SELECT * FROM parquet_file_metadata('{root}/stocks/prices/*/*.parquet')",
    "SELECT * FROM delta_scan('{root}/stocks/prices')",
    "SELECT * FROM delta_scan('{elsewhere}')",
    "SELECT * FROM delta_list_files('{elsewhere}')",
    "WITH x AS MATERIALIZED (FROM read_text('{secret}')) SELECT * FROM x",
    "WITH read_text AS (FROM read_text('{secret}')) SELECT * FROM read_text",
    "SELECT 1 UNION ALL SELECT 2 FROM read_text('{secret}')",
    "SELECT * FROM range(1), LATERAL (FROM read_text('{secret}'))",
    "SELECT 1 WHERE EXISTS (FROM read_text('{secret}'))",
    "SELECT 1 ORDER BY (SELECT count(*) FROM read_text('{secret}'))",
    "SELECT 1 LIMIT (SELECT count(*) FROM read_text('{secret}'))",
    "SELECT list_transform([1], x -> (SELECT count(*) FROM read_text('{secret}')))",
    "PIVOT (FROM read_text('{secret}')) ON filename IN ('x') USING count(*)",
    "DESCRIBE SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM stocks.prices AT (VERSION => (SELECT count(*) FROM read_text('{secret}')))",
    "SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')",
    "SELECT * FROM query_table('{secret}')",
    "SELECT * FROM query_table(['stocks.prices'])",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{secret}'')'))",
    "SELECT * FROM python_frame",
    "SELECT * FROM pandas_scan(0)",
    "SELECT * FROM arrow_scan(0, 0, 0)",
]

WRITING = [
    "SELECT write_blob('{root}/out', 'x'::BLOB)",
    "SELECT write_blob('{outside}', 'x'::BLOB)",
    "SELECT '{outside}'.write_blob('x'::BLOB)",
    "SELECT main.write_blob('{outside}', 'x'::BLOB)",
    "SELECT WRITE_BLOB('{outside}', 'x'::BLOB)",
    "SELECT list_transform(['{outside}'], name -> write_blob(name, 'x'::BLOB))",
    "SELECT ticker FROM stocks.prices WHERE write_blob('{outside}', 'x'::BLOB)",
    "SELECT 1 ORDER BY write_blob('{outside}', 'x'::BLOB)",
    "SELECT * FROM stocks.prices AT (VERSION => write_blob('{outside}', 'x'::BLOB))",
    "SELECT * FROM copy_dir('{root}', '{outside}')",
    "SELECT * FROM enable_logging('QueryLog', storage = 'file', storage_path = '{root}/log')",
    "SELECT * FROM enable_profiling(save_location = '{root}/profile.json')",
    "FROM checkpoint()",
    "COPY (SELECT 1) TO '{root}/out.csv'",
    "COPY stocks.prices FROM '{secret}'",
    "EXPORT DATABASE '{root}/out'",
    "IMPORT DATABASE '{root}/out'",
    "ATTACH '{root}/out.db' AS other",
    "ATTACH ':memory:' AS other",
    "DETACH memory",
    "USE other",
    "CREATE TABLE stocks.other (i INTEGER)",
    "CREATE TEMP TABLE other AS SELECT 1",
    "CREATE OR REPLACE VIEW stocks.prices AS SELECT 1",
    "CREATE MACRO f() AS 1",
    "CREATE OR REPLACE TEMP MACRO sum(x) AS 1",
    "CREATE TYPE t AS ENUM ('x')",
    "INSERT INTO stocks.prices SELECT * FROM stocks.prices",
    "MERGE INTO stocks.prices USING stocks.prices AS s USING (ticker) WHEN MATCHED THEN DELETE",
    "WITH x AS (DELETE FROM stocks.prices RETURNING *) SELECT * FROM x",
    "UPDATE stocks.prices SET close = 0",
    "DELETE FROM stocks.prices",
    "TRUNCATE stocks.prices",
    "DROP VIEW stocks.prices",
    "ALTER VIEW stocks.prices RENAME TO other",
    "COMMENT ON VIEW stocks.prices IS 'x'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{root}/out.csv'",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "BEGIN",
    "VACUUM",
    "SELECT 1; DROP VIEW stocks.prices",
    "SELECT 1; SELECT 2",
    "SELECT 1;;COPY (SELECT 1) TO '{root}/out.csv'",
    "SELECT 1 /* ; */ ; COPY (SELECT 1) TO '{root}/out.csv'",
    "",
    "-- nothing",
]

TELLING = [
    "SELECT getenv('PLANTED')",
    "SELECT current_setting('secret_directory')",
    "SELECT CURRENT_SETTING('temp_directory')",
    "SELECT * FROM pg_settings",
    "SELECT * FROM pg_catalog.PG_SETTINGS",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_secrets(redact = false)",
    "SELECT * FROM which_secret('s3://bucket', 's3')",
    "SELECT * FROM duckdb_extensions()",
    "SELECT * FROM duckdb_databases()",
    "SELECT * FROM duckdb_temporary_files()",
    "SELECT * FROM duckdb_external_file_cache()",
    "SELECT * FROM duckdb_logs",
    "SELECT * FROM duckdb_logs()",
    "SELECT write_log('x')",
    "SELECT get_delta_test_expression()",
]

CHANGING = [
    "INSTALL httpfs",
    "FORCE INSTALL httpfs FROM 'http://127.0.0.1:9'",
    "LOAD httpfs",
    "LOAD '{secret}'",
    "SET enable_external_access = true",
    "SET GLOBAL allowed_directories = ['/']",
    "SET SESSION memory_limit = '1TB'",
    "SET VARIABLE x = 1",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "RESET enable_external_access",
    "PRAGMA enable_external_access = true",
    "PRAGMA database_list",
    "PRAGMA import_database('{root}')",
    "CALL enable_logging()",
    "CALL delta_set_transaction_version('x', 'y', 1)",
    "CREATE SECRET s (TYPE s3)",
    "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "SELECT sleep_ms(60000)",
    "SELECT pg_sleep(60)",
]

ESCAPES = [*READING, *WRITING, *TELLING, *CHANGING]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A lake, a file and a Delta table beside it, and a link in the lake that leads out."""
    folder = tmp_path_factory.mktemp("escapes")
    lakes = {name: Lake(folder / name) for name in ("lake", "other")}
    for lake in lakes.values():
        lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0, B=2.0)], run_id="r")
    (folder / "secret.csv").write_text(f"a,b\n1,{PLANTED}\n")
    (folder / "lake" / "link.csv").symlink_to(folder / "secret.csv")
    return {
        "root": folder / "lake",
        "secret": folder / "secret.csv",
        "outside": folder / "outside",
        "elsewhere": folder / "other/stocks/prices",
    }


@pytest.fixture(scope="module")
def sql(places: dict[str, Path]) -> Sql:
    return connect(places["root"])


@pytest.fixture(autouse=True)
def nothing_is_left(places: dict[str, Path], sql: Sql) -> Iterator[None]:
    """Hold the folder against itself before and after each test, and the lake to its answers."""
    before = {path: path.read_bytes() for path in files(places)}
    yield
    assert {path: path.read_bytes() for path in files(places)} == before
    assert sql.sql("SELECT count(*) FROM stocks.prices").item() == 2


def files(places: dict[str, Path]) -> list[Path]:
    return [path for path in sorted(places["root"].parent.rglob("*")) if path.is_file()]


@pytest.mark.parametrize("escape", ESCAPES)
def test_sql_reads_tables_and_does_nothing_else(
    sql: Sql, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, escape: str
) -> None:
    monkeypatch.setenv("PLANTED", PLANTED)
    python_frame = pl.DataFrame({"a": [PLANTED]})
    with pytest.raises(QueryError) as refused:
        sql.sql(escape.format(**places))
    assert PLANTED not in str(refused.value)
    assert len(python_frame) == 1


@pytest.mark.parametrize("way", ["read_text('{}')", "read_csv('{}')", "delta_scan('{}')", "'{}.parquet'"])
def test_no_query_asks_anything_of_the_network(sql: Sql, httpserver: HTTPServer, way: str) -> None:
    asked = []
    httpserver.expect_request("/secret").respond_with_handler(asked.append)
    for address in (httpserver.url_for("/secret"), f"s3://bucket/key?s3_endpoint={httpserver.host}:{httpserver.port}"):
        with pytest.raises(QueryError):
            sql.sql(f"FROM {way.format(address)}")
    assert asked == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM glob('{root}/../*')",
        "SELECT * FROM read_text('{root}/../secret.csv')",
        "SELECT * FROM delta_scan('{elsewhere}')",
        "COPY (SELECT 1) TO '{outside}'",
        "ATTACH '{outside}' AS other",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "INSTALL httpfs",
    ],
)
def test_the_engine_itself_is_locked_behind_the_first_door(sql: Sql, places: dict[str, Path], query: str) -> None:
    with pytest.raises(duckdb.Error, match=r"disabled by configuration|configuration has been locked"):
        sql._connection.execute(query.format(**places))


def test_what_an_extension_adds_is_closed_with_whatever_its_next_version_adds(sql: Sql) -> None:
    with duckdb.connect(":memory:") as plain, duckdb.connect(":memory:") as extended:
        load_delta(extended)
        of = "SELECT DISTINCT lower(function_name) FROM duckdb_functions()"
        added = {name for (name,) in set(extended.execute(of).fetchall()) - set(plain.execute(of).fetchall())}
    assert {"write_blob", "delta_scan"} <= added <= sql._closed
    assert sql._closed == added | CLOSED_FUNCTIONS


def test_the_engine_s_own_functions_stay_open(sql: Sql) -> None:
    query = "SELECT round(sum(close), 1), max(upper(ticker)), list_sum(list(close)) FROM stocks.prices"
    assert sql.sql(query).rows() == [(3.0, "B", 3.0)]


MONSTERS = {
    "parentheses": f"SELECT {'(' * 100_000}1{')' * 100_000}",
    "a long sum": f"SELECT {'+'.join(['1'] * 100_000)}",
    "nested lists": f"SELECT {'[' * 5_000}{']' * 5_000}",
    "nested selects": "SELECT * FROM (" * 3_000 + "FROM range(1)" + ")" * 3_000,
    "nested cases": f"SELECT {'CASE WHEN true THEN ' * 3_000}1{' END' * 3_000}",
    "nested JSON": f"SELECT '{'[' * 200_000}'::JSON",
    "a long text": "SELECT repeat('x', 1000000000000)",
    "a long list": "SELECT range(100000000000)",
    "a recursion that never ends": "WITH RECURSIVE t AS (SELECT 'x' AS n UNION ALL SELECT n || n FROM t) FROM t",
    "a range without end": "SELECT * FROM range(1000000000000)",
    "a product of ranges": "SELECT * FROM range(1000000), range(1000000)",
    "all of it sorted": "SELECT list(a.range) FROM range(1000000000) a",
}


@pytest.mark.parametrize("what", MONSTERS)
def test_a_query_that_would_eat_all_memory_is_an_error_of_ours(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    monkeypatch.setattr(sql_module, "LARGEST_ANSWER", 1 << 20)
    monkeypatch.setattr(sql_module, "MOST_SPILLED", "1MB")
    monkeypatch.setattr(sql_module, "MEMORY", "100MB")
    monkeypatch.setattr(sql_module, "gettempdir", lambda: str(tmp_path))
    bounded = connect(places["root"])
    with pytest.raises(QueryError):
        bounded.sql(MONSTERS[what])
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 1_000_000


def test_an_answer_larger_than_what_is_told_is_refused_and_a_smaller_one_given(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bounded, query = connect(places["root"]), "SELECT * FROM range(100000)"
    size = bounded.sql(query).estimated_size()
    monkeypatch.setattr(sql_module, "LARGEST_ANSWER", 2 * size)
    assert len(bounded.sql(query)) == 100_000
    monkeypatch.setattr(sql_module, "LARGEST_ANSWER", size // 2)
    with pytest.raises(QueryError, match="The answer is larger than"):
        bounded.sql(query)


SORT = """
import sys
from pipeline.lake import sql
sql.MEMORY = "100MB"
query = "SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY hash(range)) FROM range(5000000))"
print(sql.connect(sys.argv[1]).sql(query).item())
"""


def test_what_is_spilled_is_not_left_behind_nor_in_the_folder_of_work_and_nothing_is_drawn(
    places: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-c", SORT, str(places["root"])]
    environment = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
    done = subprocess.run(  # noqa: S603 (our own words)
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "5000000\n", "")
    assert list(tmp_path.rglob("*")) == [tmp_path / "tmp"]
