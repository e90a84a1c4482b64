"""SQL over tables on a real S3 server: the rows as in a folder, and no secret or other object within reach."""

from pathlib import Path

import duckdb
import pytest

from assets_tests.examples import first_quick
from assets_tests.lake.conftest import FEB_1, JAN_2, JAN_3, JAN_4, PRICES, prices
from pipeline.errors import QueryError
from pipeline.lake.lake import Lake
from pipeline.lake.sql import Sql, connect
from pipeline.lake.sql.catalog import write_catalog
from pipeline.lake.sql.duckdb_access import give_access, load_delta
from pipeline.lake.sql.engine import Engine
from pipeline.lake.sql.place import place_description
from pipeline.lake.sql.sandbox import landlock
from pipeline.lake.sql.sandbox.terms import Setup, Walls
from pipeline.lake.storage.s3_objects import S3Objects


@pytest.fixture
def place(s3_server):
    return s3_server.place()


@pytest.fixture
def lake(place):
    return Lake(place)


@pytest.fixture
def filled(lake):
    for day, close in ((JAN_2, 1.0), (JAN_3, 2.0), (FEB_1, 3.0)):
        lake.replace(PRICES, [day], [prices(day, A=close)], run_id="r")
    return lake


@pytest.mark.thorough
def test_sql_reads_the_newest_and_earlier_versions(filled):
    sql = connect(filled)
    assert sql.sql("SELECT session, close FROM stocks.prices ORDER BY 1").rows() == [
        (JAN_2, 1.0),
        (JAN_3, 2.0),
        (FEB_1, 3.0),
    ]
    assert sql.sql("SELECT count(*) FROM stocks.prices AT (VERSION => 1)").item() == 1
    filled.replace(PRICES, [JAN_4], [prices(JAN_4, A=4.0)], run_id="r")
    assert sql.sql("SELECT max(close) FROM stocks.prices WHERE session < '2024-02-01'").item() == 4.0


@pytest.mark.parametrize(
    "query",
    first_quick(
        [
            "SELECT * FROM duckdb_secrets()",
            "SELECT * FROM which_secret('{root}/stocks', 's3')",
            "SELECT * FROM read_text('{outside}')",
            "SELECT * FROM read_parquet('{root}/stocks/prices/*/*.parquet')",
            "SELECT * FROM '{outside}'",
            "SELECT * FROM delta_scan('{root}/stocks/prices')",
            "COPY (SELECT 1) TO '{root}/written.csv'",
            "CREATE SECRET other (TYPE s3, KEY_ID 'a', SECRET 'b')",
            "DROP SECRET candlelake_lake",
            "SELECT current_setting('s3_secret_access_key') || getenv('HOME')",
        ]
    ),
)
def test_a_query_reaches_neither_secrets_nor_other_objects(filled, place, query):
    S3Objects(place).put("elsewhere.txt", b"not a table")
    outside = f"s3://{place.bucket}/outside.txt"
    with pytest.raises(QueryError) as refused:
        connect(filled).sql(query.format(root=place, outside=outside))
    assert place.secret.get_secret_value() not in str(refused.value)


def test_under_the_query_s_guard_only_the_prefix_can_be_read_and_the_secret_shows_redacted(
    filled, place, s3_server, tmp_path
):
    others = (f"{place.prefix}2/other.txt", "outside.txt")
    connection = Engine(
        Setup(place=place_description(filled), spill=str(tmp_path), readable=[], modules=[])
    )._connection
    for beside in others:
        s3_server.client.put_object(Bucket=place.bucket, Key=beside, Body=b"beside the lake")
        with pytest.raises(duckdb.PermissionException):
            connection.read_csv(f"s3://{place.bucket}/{beside}").fetchall()
    with pytest.raises(duckdb.Error):
        connection.sql("SET s3_endpoint = 'elsewhere'")
    secrets = str(connection.sql("SELECT * FROM duckdb_secrets()").fetchall())
    assert "candlelake_lake" in secrets
    assert place.secret.get_secret_value() not in secrets


@pytest.mark.thorough
def test_the_process_that_reads_the_lake_shows_its_secret_to_nobody_and_reaches_no_other_port(
    filled, place, httpserver, monkeypatch
):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-another-account")
    with Sql(filled, walls=Walls(open_functions=False)) as sql:
        assert sql.sql("SELECT count(*) FROM stocks.prices").item() == 3
        number = sql._confined().child.number
        shown = Path(f"/proc/{number}/environ").read_bytes() + Path(f"/proc/{number}/cmdline").read_bytes()
        standing, _ = sql.standing()
        for way in ("read_text('{}')", "read_csv('{}')", "'{}.parquet'", "delta_scan('{}')"):
            with pytest.raises(QueryError):
                sql.sql(f"FROM {way.format(httpserver.url_for('/secret'))}")
    assert place.secret.get_secret_value().encode() not in shown
    assert b"AWS" not in shown
    assert httpserver.log == []
    assert standing.landlock == landlock.version()


def test_the_catalog_names_the_tables_on_s3_and_holds_no_secret(filled, place, tmp_path):
    path = tmp_path / "candlelake.duckdb"
    assert write_catalog(filled, path) == ["stocks.prices"]
    content = path.read_bytes()
    assert str(place).encode() in content
    assert place.secret.get_secret_value().encode() not in content
    assert place.key_id.encode() not in content
    with duckdb.connect(str(path), read_only=True) as client:
        load_delta(client)
        with pytest.raises(duckdb.Error):
            client.sql("SELECT count(*) FROM stocks.prices").fetchall()
        give_access(client, filled)
        assert client.sql("SELECT count(*) FROM stocks.prices").fetchall() == [(3,)]
        assert [secret[4] for secret in client.sql("FROM duckdb_secrets()").fetchall()] == ["memory"]
