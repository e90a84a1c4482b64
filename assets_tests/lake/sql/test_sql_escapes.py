"""Known ways out of DuckDB's SQL: none reads, writes or leaks anything, even when a wall is missing."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest
from pytest_httpserver import HTTPServer

from assets_tests.examples import first_quick
from assets_tests.lake.conftest import JAN_2, PRICES, prices
from assets_tests.lake.sql.sql_escapes import ESCAPES, PLANNING, READING, WRITING
from pipeline.errors import QueryError
from pipeline.lake.lake import Lake
from pipeline.lake.sql import Sql, connect
from pipeline.lake.sql.engine import Engine
from pipeline.lake.sql.sandbox.terms import Setup, Walls

PLANTED = "planted-secret"

FEWER_WALLS = {
    "no Landlock": Walls(landlock=0),
    "no filter of system calls": Walls(system_calls=False),
    "no limits": Walls(limits=False),
    "nothing of the kernel": Walls(landlock=0, system_calls=False, limits=False),
}

UNGUARDED = {
    "no review of functions": Walls(open_functions=False),
    "no review of functions, no filter of system calls": Walls(open_functions=False, system_calls=False),
}


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
def engine(places: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Engine:
    spill = tmp_path_factory.mktemp("spill")
    return Engine(Setup(place={"folder": str(places["root"])}, spill=str(spill), readable=[], modules=[]))


@pytest.fixture(scope="module")
def sql(places: dict[str, Path]) -> Iterator[Sql]:
    with connect(places["root"]) as connected:
        yield connected


@pytest.fixture(autouse=True)
def nothing_is_left(places: dict[str, Path], sql: Sql) -> Iterator[None]:
    """Hold the folder against itself before and after each test, and the lake to its answers."""
    before = {path: path.read_bytes() for path in files(places)}
    yield
    assert {path: path.read_bytes() for path in files(places)} == before
    assert sql.sql("SELECT count(*) FROM stocks.prices").item() == 2


def files(places: dict[str, Path]) -> list[Path]:
    return [path for path in sorted(places["root"].parent.rglob("*")) if path.is_file()]


@pytest.mark.parametrize("escape", first_quick(ESCAPES, quick=60))
def test_sql_reads_tables_and_does_nothing_else(
    sql: Sql, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, escape: str
) -> None:
    monkeypatch.setenv("PLANTED", PLANTED)
    python_frame = pl.DataFrame({"a": [PLANTED]})
    with pytest.raises(QueryError) as refused:
        sql.sql(escape.format(**places))
    assert PLANTED not in str(refused.value)
    assert len(python_frame) == 1


@pytest.mark.parametrize("missing", first_quick(FEWER_WALLS))
def test_the_review_of_functions_holds_where_the_kernel_has_fewer_walls(places: dict[str, Path], missing: str) -> None:
    with Sql(places["root"], walls=FEWER_WALLS[missing]) as weaker:
        answered = [escape for escape in ESCAPES if outcome(weaker, escape.format(**places)) is not None]
    assert answered == []


@pytest.mark.parametrize("missing", first_quick(UNGUARDED))
def test_the_kernel_holds_where_every_function_may_be_called(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setenv("PLANTED", PLANTED)
    with Sql(places["root"], walls=UNGUARDED[missing]) as unguarded:
        if unguarded.standing()[0].landlock == 0:
            pytest.skip("this kernel has no Landlock, so that the review of functions is what holds")
        for escape in [*READING, *WRITING, *PLANNING, "SELECT getenv('PLANTED')"]:
            answer = outcome(unguarded, escape.format(**places))
            assert PLANTED not in str([] if answer is None else answer.rows()), escape


def outcome(sql: Sql, query: str) -> pl.DataFrame | None:
    """Return the answer to a query, None when it was refused."""
    try:
        return sql.sql(query)
    except QueryError:
        return None


@pytest.mark.parametrize("way", first_quick(["read_text('{}')", "read_csv('{}')", "delta_scan('{}')", "'{}.parquet'"]))
def test_no_query_reaches_the_network(sql: Sql, places: dict[str, Path], httpserver: HTTPServer, way: str) -> None:
    requests: list[object] = []
    httpserver.expect_request("/secret").respond_with_handler(requests.append)  # type: ignore[arg-type]
    with Sql(places["root"], walls=Walls(open_functions=False)) as unguarded:
        for address in (
            httpserver.url_for("/secret"),
            f"s3://bucket/key?s3_endpoint={httpserver.host}:{httpserver.port}",
        ):
            for asks in (sql, unguarded):
                with pytest.raises(QueryError):
                    asks.sql(f"FROM {way.format(address)}")
    assert requests == []


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
def test_the_engine_itself_is_locked_too(engine: Engine, places: dict[str, Path], query: str) -> None:
    with pytest.raises(duckdb.Error, match=r"disabled by configuration|configuration has been locked"):
        engine._connection.execute(query.format(**places))
