"""SQL over the tables: what it answers, which versions, and what it refuses to do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from assets_tests.lake.conftest import FEB_1, JAN_2, JAN_3, PRICES, REJECTS, prices, rejects
from pipeline.contracts.candidates import CANDIDATES
from pipeline.errors import QueryError
from pipeline.lake.lake import Lake
from pipeline.lake.sql import Sql, connect


def fill(lake: Lake) -> Lake:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0, B=2.0)], run_id="r")
    lake.replace(PRICES, [JAN_3], [prices(JAN_3, A=3.0)], run_id="r")
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=9.0)], run_id="r")
    return lake


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Return a lake that tests only read."""
    return fill(Lake(tmp_path_factory.mktemp("sql") / "lake"))


@pytest.fixture(scope="module")
def sql(filled: Lake) -> Iterator[Sql]:
    """Return the way to ask it: a process takes a second to start."""
    with connect(filled) as connected:
        yield connected


def test_a_table_is_queried_by_its_name_and_shows_the_columns_of_its_contract(sql: Sql) -> None:
    answer = sql.sql("SELECT * FROM stocks.prices ORDER BY session")
    assert answer.rows() == [("A", JAN_2, 9.0, None), ("A", JAN_3, 3.0, None)]
    assert answer.schema == pl.Schema(PRICES.columns)


def test_a_folder_is_enough_to_connect(filled: Lake) -> None:
    assert connect(filled.root).sql("SELECT count(*) FROM stocks.prices").item() == 2
    assert connect(Path(filled.root)).sql("SELECT count(*) FROM stocks.prices").item() == 2


def test_every_query_sees_what_was_committed_before_it_even_a_new_table(lake: Lake) -> None:
    filled = fill(lake)
    sql = connect(filled)
    assert sql.sql("SELECT count(*) FROM stocks.prices").item() == 2
    filled.replace(PRICES, [FEB_1], [prices(FEB_1, A=1.0)], run_id="r")
    filled.replace(REJECTS, [JAN_2], [rejects(JAN_2, 4)], run_id="r")
    assert sql.sql("SELECT count(*) FROM stocks.prices").item() == 3
    assert sql.sql('SELECT "row" FROM stocks.rejects').item() == 4


@pytest.mark.parametrize(
    ("query", "closes"),
    [
        ("SELECT close FROM stocks.prices AT (VERSION => 1) ORDER BY close", [1.0, 2.0]),
        ("SELECT p.close FROM stocks.prices p AT (VERSION => 2) ORDER BY 1", [1.0, 2.0, 3.0]),
        ("SELECT prices.close FROM stocks.prices AT (VERSION => 1 + 1) ORDER BY 1", [1.0, 2.0, 3.0]),
        ("FROM stocks.prices AT (VERSION => 0) SELECT close", []),
        (
            "SELECT now.close - was.close FROM stocks.prices now JOIN stocks.prices was AT (VERSION => 1) "
            "USING (ticker, session)",
            [8.0],
        ),
        ("WITH p AS (SELECT * FROM stocks.prices AT (VERSION => 1)) SELECT sum(close) FROM p", [3.0]),
    ],
)
def test_a_past_version_is_requested_by_number(sql: Sql, query: str, closes: list[float]) -> None:
    assert sql.sql(query).to_series().to_list() == closes


def test_a_past_version_is_requested_by_time(filled: Lake, sql: Sql) -> None:
    committed = filled.history("stocks/prices").sort("version")["committed_at"][2]
    # Delta keeps milliseconds; versions of one millisecond would make the newest of them the right answer.
    versions_then = filled.history("stocks/prices").filter(pl.col("committed_at") <= committed)["version"]
    then = f"TIMESTAMPTZ '{committed:%Y-%m-%d %H:%M:%S.%f+00}'"
    by_time = sql.sql(f"FROM stocks.prices AT (TIMESTAMP => {then})")
    by_number = sql.sql(f"FROM stocks.prices AT (VERSION => {versions_then.max()})")
    assert by_time.sort("session", "ticker").equals(by_number.sort("session", "ticker"))
    long_after = datetime.now(UTC) + timedelta(days=1)
    assert len(sql.sql(f"FROM stocks.prices AT (TIMESTAMP => '{long_after:%Y-%m-%d %H:%M}')")) == 2


@pytest.mark.parametrize("at", ["VERSION => 4", "VERSION => -1", "VERSION => NULL", "TIMESTAMP => '2001-01-01'"])
def test_a_version_that_never_was_names_those_that_are(sql: Sql, at: str) -> None:
    with pytest.raises(QueryError, match="versions 0 to 3"):
        sql.sql(f"FROM stocks.prices AT ({at})")


def test_nested_columns_and_times_come_through(lake: Lake) -> None:
    moment = datetime(2024, 1, 2, 21, 0, 0, 123456, tzinfo=UTC)
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0).with_columns(seen=pl.lit(moment))], run_id="r")
    factor = {"factor": "trend", "value": 1.5, "zscore": 0.5, "weight": 0.5, "contribution": 0.25}
    row = {
        "model": "trend", "model_version": 1, "session": JAN_2, "rank": 1, "ticker": "NA", "score": 0.25, "close": 9.0,
        "contributions": [factor], "reasons": ["It's up."], "scanned": 3, "passed": 2,
        "left_out": 1, "left_out_reasons": ["NB: a split in doubt"],
    }  # fmt: skip
    lake.replace(CANDIDATES, [JAN_2], [pl.DataFrame([row], schema=CANDIDATES.columns)], run_id="r")
    sql = connect(lake)
    assert sql.sql("SELECT seen FROM stocks.prices").item() == moment
    assert sql.sql("FROM stocks.candidates").row(0, named=True) == row
    assert sql.sql("SELECT unnest(contributions).factor AS factor FROM stocks.candidates").item() == "trend"


@pytest.mark.parametrize(
    "query", ["SHOW ALL TABLES", "DESCRIBE stocks.prices", "SUMMARIZE stocks.prices", "SELECT 1;", "FROM range(3)"]
)
def test_looking_around_is_allowed(sql: Sql, query: str) -> None:
    assert len(sql.sql(query)) > 0


@pytest.mark.parametrize("query", ["FROM stocks.pricse", "FROM crypto.prices", "FROM stocks.pricse AT (VERSION => 1)"])
def test_an_unknown_table_lists_those_there_are(sql: Sql, query: str) -> None:
    with pytest.raises(QueryError, match=r"There is no table.*stocks\.prices"):
        sql.sql(query)


def test_an_empty_lake_says_how_to_fill_it(lake: Lake) -> None:
    with pytest.raises(QueryError, match="candlelake demo"):
        connect(lake).sql("SELECT * FROM stocks.prices")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT clsoe FROM stocks.prices", 'column "clsoe" not found.*close'),
        ("SELEC close FROM stocks.prices", "syntax error"),
        ("SELECT CAST('x' AS INTEGER)", "Could not convert string 'x' to INT32"),
        ("PIVOT stocks.prices ON ticker USING sum(close)", r"ON column IN \(…\)"),
        (f"SELECT '{'x' * 2_000}'::INTEGER", "…"),
    ],
)
def test_a_wrong_query_is_answered_in_one_readable_line(sql: Sql, query: str, message: str) -> None:
    with pytest.raises(QueryError, match=message) as wrong:
        sql.sql(query)
    assert "\n" not in str(wrong.value)
    assert len(str(wrong.value)) < 800
    assert wrong.value.remedy
