"""Adjusted bars and listings in SQL: the rows that the functions of market/ give, or words that say what is missing."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from assets_tests.examples import first_quick
from assets_tests.market.corporate_actions import NO_DIVIDENDS, splits
from assets_tests.market.indicators.tape import SESSIONS, tape, traded, wandering
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.reference import SPLITS, TICKER_EVENTS, TICKERS
from pipeline.errors import QueryError
from pipeline.lake.lake import Lake
from pipeline.lake.sql import Sql, connect
from pipeline.lake.sql.catalog import write_catalog
from pipeline.lake.sql.derived import DERIVED
from pipeline.lake.sql.duckdb_access import load_delta
from pipeline.lake.sql.engine import Engine
from pipeline.lake.sql.sandbox.terms import Setup
from pipeline.market.prices.adjust import adjusted
from pipeline.market.securities.listings import listings, series

SEEN = datetime(2021, 1, 1, tzinfo=UTC)
LATER = datetime(2021, 1, 2, tzinfo=UTC)

BARS = pl.concat(
    [
        tape([120.0, 61.0, 60.0, 20.0], ticker="AAP", volume=[1.0, 2.0, 3.0, 4.5]),
        tape([0.1, 0.3], ticker="AAp", at=[1, 3]),
        traded(wandering(40, seed=1), ticker="N", seed=1),
        traded(wandering(5, seed=2), ticker="NA", seed=2),
    ]
)
# Two in a window, one that the ticker's bars have no session for, one after the newest session, one of a stranger.
EVENTS = splits(
    *(("AAP", 1, 1, 2), ("AAP", 3, 1, 3), ("AAp", 2, 20, 1), ("N", 39, 21, 20), ("NA", 4, 1, 7)),
    *(("N", 40, 1, 2), ("gone", 2, 1, 2)),
)


def split_rows(events: pl.DataFrame, **known: object) -> pl.DataFrame:
    """Return `events` as rows of reference/splits."""
    seen = {
        "first_seen_at": SEEN,
        "last_seen_at": SEEN,
        "withdrawn_at": None,
        "doubt": None,
        "ruling": None,
        "id": "S",
    } | known
    columns = [pl.lit(value).cast(SPLITS.columns[name]).alias(name) for name, value in seen.items()]
    return events.with_columns(*columns, adjustment_type=pl.lit("forward_split")).select(list(SPLITS.columns))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(tmp_path_factory.mktemp("adjusted") / "lake")
    sessions = BARS["session"].unique().sort().to_list()
    lake.replace(DAILY_BARS, sessions, [BARS.sort("session")], run_id="r")
    ignored = [
        split_rows(splits(("AAP", 2, 1, 9)), withdrawn_at=LATER),
        split_rows(splits(("AAP", 2, 1, 9)), doubt="conflicting", id="T"),
    ]
    lake.refresh(SPLITS, pl.concat([split_rows(EVENTS), *ignored]), run_id="r")
    return lake


@pytest.fixture(scope="module")
def sql(lake: Lake) -> Sql:
    return connect(lake)


def test_bars_on_the_newest_basis_are_those_of_the_pure_function(sql: Sql) -> None:
    answer = sql.sql("SELECT * FROM stocks.daily_bars_adjusted ORDER BY ticker, session")
    expected = adjusted(BARS, EVENTS, NO_DIVIDENDS, SESSIONS[39]).sort("ticker", "session")
    assert_frame_equal(answer.drop("split_factor"), expected, check_exact=True)
    assert answer.columns == [*DAILY_BARS.columns, "split_factor"]
    factors = answer.filter(pl.col("ticker") == "AAP")["split_factor"].to_list()
    assert factors == [1 / 6, 1 / 3, 1 / 3, 1.0]
    assert answer["close"].to_list()[:4] == [20.0, 61 / 3, 20.0, 20.0]


@pytest.mark.parametrize("at", first_quick([2, 0, 1, 3, 4, 38, 39, 60], quick=2))
def test_bars_as_of_a_day_are_those_of_the_pure_function(sql: Sql, at: int) -> None:
    answer = sql.sql(f"FROM stocks.daily_bars_as_of(DATE '{SESSIONS[at]}') ORDER BY ticker, session")
    expected = adjusted(BARS, EVENTS, NO_DIVIDENDS, SESSIONS[at]).sort("ticker", "session")
    assert_frame_equal(answer.drop("split_factor"), expected, check_exact=True)


def test_a_day_can_be_written_as_text_and_a_macro_be_joined_and_named(sql: Sql) -> None:
    query = """
        SELECT n.close / t.close AS factor
        FROM Stocks.Daily_Bars_As_Of('2020-01-02') AS t JOIN stocks.daily_bars_adjusted AS n USING (ticker, session)
        WHERE ticker = 'AAP' AND session = '2020-01-01'
    """
    assert sql.sql(query).item() == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    "bars", first_quick(["stocks.daily_bars_adjusted", f"stocks.daily_bars_as_of(DATE '{SESSIONS[9]}')"])
)
def test_splits_are_joined_by_hash_and_a_filter_on_a_ticker_reaches_both_sides(
    lake: Lake, tmp_path: Path, bars: str
) -> None:
    engine = Engine(Setup(place={"folder": lake.root}, spill=str(tmp_path), readable=[], modules=[]))
    engine._see_new_tables()
    ((_, plan),) = engine._connection.sql(f"EXPLAIN FROM {bars} WHERE ticker = 'AAP'").fetchall()
    joins = [line.strip("│├┐┌ ") for line in plan.splitlines() if "JOIN " in line]
    assert [join for join in joins if "HASH_JOIN" in join], "bars with spans"
    # The newest session is one row beside the splits.
    assert len([join for join in joins if "HASH_JOIN" not in join]) <= ("adjusted" in bars)
    assert plan.count("ticker='AAP'") == 2


def test_a_new_split_shows_in_the_next_query(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.replace(DAILY_BARS, list(SESSIONS[:2]), [tape([30.0, 10.0])], run_id="r")
    lake.refresh(SPLITS, SPLITS.empty(), run_id="r")
    sql = connect(lake)
    assert sql.sql("SELECT close FROM stocks.daily_bars_adjusted ORDER BY session")["close"].to_list() == [30.0, 10.0]
    lake.refresh(SPLITS, split_rows(splits(("A", 1, 1, 3))), run_id="r")
    assert sql.sql("SELECT close FROM stocks.daily_bars_adjusted ORDER BY session")["close"].to_list() == [10.0, 10.0]


@pytest.mark.parametrize(
    ("query", "lacking"),
    first_quick(
        [
            ("FROM stocks.daily_bars_adjusted", "reference.splits"),
            ("FROM stocks.daily_bars_as_of(DATE '2024-05-31')", "reference.splits"),
            ("FROM reference.listings", "reference.tickers and reference.ticker_events"),
            ("FROM stocks.series('BBG000MM2P62')", "reference.tickers and reference.ticker_events"),
        ]
    ),
)
def test_without_the_tables_it_needs_a_query_fails_with_their_names_and_how_to_fill_them(
    tmp_path: Path, query: str, lacking: str
) -> None:
    lake = Lake(tmp_path / "lake")
    lake.replace(DAILY_BARS, [SESSIONS[0]], [tape([1.0])], run_id="r")
    with pytest.raises(QueryError, match=f"needs {lacking}, .*reference_data"):
        connect(lake).sql(query)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("FROM stocks.daily_bars_adjusted AT (VERSION => 1)", "has no versions of its own"),
        ("FROM stocks.daily_bars_as_of('yesterday')", "date"),
        ("FROM stocks.daily_bars_as_of()", "daily_bars_as_of"),
        ("FROM daily_bars_as_of(DATE '2024-05-31')", "not open to queries"),
        ("FROM main.daily_bars_as_of(DATE '2024-05-31')", "not open to queries"),
        ("FROM stocks.daily_bars_as_of((SELECT max(session) FROM read_csv('x')))", "read_csv is not open"),
        ("FROM stocks.read_csv('x')", "not open to queries"),
    ],
)
def test_a_wrong_use_is_refused_in_words(sql: Sql, query: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        sql.sql(query)


def test_the_catalog_file_has_them_described_for_a_plain_client(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "candlelake.duckdb"
    assert write_catalog(lake, path) == ["reference.splits", "stocks.daily_bars", "stocks.daily_bars_adjusted"]
    with duckdb.connect(str(path), read_only=True) as client:
        load_delta(client)
        rows = client.sql("SELECT count(*), min(split_factor) FROM stocks.daily_bars_adjusted").fetchall()
        known = client.sql("FROM stocks.daily_bars_as_of(DATE '2020-01-02')").fetchall()
        comment = client.sql(
            "SELECT comment FROM duckdb_functions() WHERE function_name = 'daily_bars_as_of'"
        ).fetchall()
        columns = client.sql(
            "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'daily_bars_adjusted'"
        ).fetchall()
    assert rows == [(len(BARS), 1 / 7)]
    assert len(known) == 7
    assert comment == [(DERIVED[1].description,)]
    assert columns == list(DERIVED[0].columns.items())


WORLDS, BARS_EACH = 300, 8


def random_reference(random: np.random.Generator, world: int) -> tuple[list[dict], list[dict]]:
    """Return rows of reference/tickers and reference/ticker_events about two tickers and three FIGIs of their own."""
    figis, names = [f"F{k}-{world}" for k in range(3)], [f"A-{world}", f"B-{world}"]

    def one_of(choices: list) -> object:
        return choices[random.integers(len(choices))]

    def seen() -> dict:
        return {"first_seen_at": SEEN, "last_seen_at": SEEN, "withdrawn_at": one_of([None, None, None, LATER])}

    tickers, events = [], []
    for _ in range(random.integers(6)):
        delisted = one_of([None, *SESSIONS[:7]])
        key = {"ticker": one_of(names), "composite_figi": one_of([*figis, None])}
        listed = {"type": one_of(["CS", "ETF", None]), "active": delisted is None, "delisted_on": delisted}
        tickers.append(seen() | key | listed)
    for _ in range(random.integers(6)):
        took = {"composite_figi": one_of(figis), "ticker": one_of(names)}
        events.append(seen() | took | {"since": one_of(list(SESSIONS[:7]))})
    return tickers, events


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    random = np.random.default_rng(7)
    references = [random_reference(random, world) for world in range(WORLDS)]
    tickers = [row for rows, _ in references for row in rows]
    events = [row for _, rows in references for row in rows]
    lake = Lake(tmp_path_factory.mktemp("listings") / "lake")
    names = sorted({row["ticker"] for row in tickers + events})
    bars = pl.concat([tape([float(k + 1) for k in range(BARS_EACH)], ticker=name) for name in names])
    lake.replace(DAILY_BARS, list(SESSIONS[:BARS_EACH]), [bars], run_id="r")
    lake.refresh(TICKERS, pl.DataFrame(tickers, schema=TICKERS.columns).unique(TICKERS.key), run_id="r")
    lake.refresh(
        TICKER_EVENTS, pl.DataFrame(events, schema=TICKER_EVENTS.columns).unique(TICKER_EVENTS.key), run_id="r"
    )
    return lake


@pytest.mark.thorough
def test_listings_and_series_are_those_of_the_pure_functions(worlds: Lake) -> None:
    sql, expected = connect(worlds), listings(worlds.scan(TICKERS).collect(), worlds.scan(TICKER_EVENTS).collect())
    assert len(expected) > WORLDS
    assert_frame_equal(sql.sql("FROM reference.listings"), expected, check_row_order=False)
    bars = worlds.scan(DAILY_BARS).collect()
    renamed = expected.filter(pl.col("composite_figi").is_duplicated())["composite_figi"].drop_nulls().unique().sort()
    assert len(renamed) > 20
    for figi in renamed.head(20):
        followed = sql.sql(f"FROM stocks.series('{figi}') ORDER BY session")
        assert_frame_equal(followed, series(bars, expected, figi), check_exact=True)


def test_an_unknown_figi_has_no_bars(worlds: Lake) -> None:
    assert connect(worlds).sql("FROM stocks.series('BBG0NOBODY')").is_empty()
