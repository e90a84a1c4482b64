"""The rows of a lake that other code than today's computed, by the fingerprints in its commits."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets_tests.market.test_code_changes import SINCE
from assets_tests.stocks import INDICATORS_TABLE, STOCKS, computed_by, indicators_table
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.contracts.price_doubts import PRICE_DOUBTS
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.lake.sql import connect
from pipeline.market.indicators import INDICATORS, IndicatorColumn
from pipeline.market.outdated_ranges import with_recomputed
from pipeline.queries.outdated import Stretch, outdated_sessions
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(date(2024, 1, 2), date(2024, 1, 10))
EMPTY = (PRICE_DOUBTS, CANDIDATES, POSITION_MARKS, SIGNALS, CANDIDATE_OUTCOMES)
"""Tables that may rightly have no row."""


def rows_of(*sessions):
    """Return rows of two tickers whose indicators are not known."""
    numbers = {name: 1.0 for name, column in INDICATORS_TABLE.schema.columns.items() if not column.nullable}
    rows = [{**numbers, "ticker": ticker, "session": session} for session in sessions for ticker in "AB"]
    typed = pl.DataFrame(rows, schema_overrides={"session": pl.Date})
    missing = [pl.lit(None, dtype).alias(n) for n, dtype in INDICATORS_TABLE.columns.items() if n not in typed.columns]
    return typed.with_columns(missing).select(
        pl.col(name).cast(dtype) for name, dtype in INDICATORS_TABLE.columns.items()
    )


@pytest.fixture(autouse=True)
def bars(tmp_path: Path) -> None:
    """Lay down the bars that all indicators of these tests were computed from."""
    price = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    rows = [{"ticker": ticker, "session": day, **price, "transactions": 1} for day in SESSIONS for ticker in "AB"]
    Lake(tmp_path / "lake").replace(DAILY_BARS, SESSIONS, [pl.DataFrame(rows, schema=DAILY_BARS.columns)], run_id="r")


def lake_of(tmp_path: Path, **other: dict[str, str]) -> Lake:
    """Return a lake whose commits have the fingerprints of today's code, except for the parts in `other`."""

    def fingerprints(table: Table) -> dict[str, str]:
        return {**computed_by(table), **other.get(table.name, {})}

    return Lake(tmp_path / "lake", computed_by=fingerprints)


def put(lake: Lake, table: Table, *sessions: date, read: tuple[Table, ...] = (DAILY_BARS,)) -> None:
    rows = rows_of(*sessions) if table is INDICATORS_TABLE else table.empty()
    readings = [lake.read(one, sessions[0], sessions[-1]) for one in read]
    lake.replace(table, sessions, [rows], run_id="r", read=readings)


def outdated(lake: Lake) -> list[tuple[str, str | None, date, date, str]]:
    return (
        outdated_sessions(lake, STOCKS)
        .outdated.select("table", "ticker", "first_session", "last_session", "cause")
        .rows()
    )


COLUMNS = [column for indicator in INDICATORS for column in indicator.columns]

CHANGED = {"indicators": {"rsi_14": "0" * 12}}


def test_sessions_that_other_code_computed_are_named_with_what_changed(tmp_path: Path) -> None:
    put(lake_of(tmp_path), INDICATORS_TABLE, *SESSIONS[:2])
    put(lake_of(tmp_path, **CHANGED), INDICATORS_TABLE, *SESSIONS[2:4])
    lake = lake_of(tmp_path)
    put(lake, INDICATORS_TABLE, *SESSIONS[4:])
    cause = "indicator changed: rsi_14"
    assert outdated(lake) == [("stocks.indicators", None, SESSIONS[2], SESSIONS[3], cause)]
    put(lake, INDICATORS_TABLE, *SESSIONS[2:4])
    assert outdated(lake) == []


def test_sessions_apart_or_with_another_cause_are_named_apart(tmp_path: Path) -> None:
    put(lake_of(tmp_path, **CHANGED), INDICATORS_TABLE, *SESSIONS)
    put(lake_of(tmp_path), INDICATORS_TABLE, SESSIONS[1])
    put(lake_of(tmp_path, indicators={"ema_12": "0" * 12}), INDICATORS_TABLE, SESSIONS[-1])
    assert [row[2:] for row in outdated(lake_of(tmp_path))] == [
        (SESSIONS[0], SESSIONS[0], "indicator changed: rsi_14"),
        (SESSIONS[2], SESSIONS[-2], "indicator changed: rsi_14"),
        (SESSIONS[-1], SESSIONS[-1], "indicator changed: ema_12"),
    ]


def test_a_lake_whose_commits_carry_no_fingerprints_was_computed_by_the_version_before(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    put(lake, INDICATORS_TABLE, *SESSIONS)
    for table in EMPTY:
        put(lake, table, *SESSIONS, read=(DAILY_BARS, INDICATORS_TABLE, PRICE_DOUBTS))
    assert lake.trail(INDICATORS_TABLE).commits()["computed_by"].to_list() == [None, None]
    assert {row[0]: row[-1] for row in outdated(lake)} == {table.sql_name: SINCE[table.sql_name] for table in EMPTY}


def test_a_lake_without_fingerprints_is_offered_what_changed_since_the_version_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(Lake(tmp_path / "lake"), INDICATORS_TABLE, *SESSIONS)
    now = {**computed_by(INDICATORS_TABLE), "atr_14": "0" * 12}
    monkeypatch.setattr("pipeline.market.code_changes.computed_by", lambda *_: now)
    cause = "indicator changed: atr_14"
    assert outdated(Lake(tmp_path / "lake")) == [("stocks.indicators", None, SESSIONS[0], SESSIONS[-1], cause)]


def test_after_a_model_changed_only_the_lists_are_due(tmp_path: Path) -> None:
    older = lake_of(tmp_path, candidates={"pullback": "0" * 12})
    put(older, INDICATORS_TABLE, *SESSIONS)
    put(older, PRICE_DOUBTS, *SESSIONS)
    put(older, CANDIDATES, *SESSIONS, read=(INDICATORS_TABLE, PRICE_DOUBTS))
    due = outdated_sessions(lake_of(tmp_path), STOCKS)
    assert due.stretches == [Stretch(SESSIONS[0], SESSIONS[-1], ("stocks.candidates",))]
    assert due.outdated["cause"].to_list() == ["model changed: pullback"]


def test_what_was_made_from_outdated_rows_is_due_with_them(tmp_path: Path) -> None:
    older = lake_of(tmp_path, **CHANGED)
    put(older, INDICATORS_TABLE, *SESSIONS)
    put(older, PRICE_DOUBTS, *SESSIONS)
    put(older, CANDIDATES, *SESSIONS, read=(INDICATORS_TABLE, PRICE_DOUBTS))
    put(older, CANDIDATE_OUTCOMES, *SESSIONS[:2], read=(CANDIDATES,))
    put(older, SIGNALS, *SESSIONS[4:], read=(INDICATORS_TABLE,))
    put(older, POSITION_MARKS, *SESSIONS)
    both = ("stocks.candidates", "stocks.indicators")
    assert outdated_sessions(lake_of(tmp_path), STOCKS).stretches == [
        Stretch(SESSIONS[0], SESSIONS[1], ("stocks.candidate_outcomes", *both)),
        Stretch(SESSIONS[2], SESSIONS[3], both),
        Stretch(SESSIONS[4], SESSIONS[-1], ("portfolio.signals", *both)),
    ]


def doubt(session: date) -> pl.DataFrame:
    row = {"ticker": "A", "session": session, "event_date": session, "kind": "split_missing", "leaves_out": True}
    return pl.DataFrame([row | {"evidence": "Numbers.", "reading": "A split."}], schema=PRICE_DOUBTS.columns)


@pytest.mark.thorough
def test_lists_are_due_that_look_back_on_a_session_with_another_doubt(tmp_path: Path) -> None:
    lake = lake_of(tmp_path)
    put(lake, INDICATORS_TABLE, *SESSIONS)
    put(lake, PRICE_DOUBTS, *SESSIONS)
    put(lake, CANDIDATES, *SESSIONS, read=(INDICATORS_TABLE, PRICE_DOUBTS))
    assert outdated(lake) == []
    lake.replace(PRICE_DOUBTS, SESSIONS[1:2], [doubt(SESSIONS[1])], run_id="r", read=[lake.read(DAILY_BARS)])
    cause = "stocks.price_doubts changed"
    assert outdated(lake) == [("stocks.candidates", None, SESSIONS[1], SESSIONS[-1], cause)]
    put(lake, CANDIDATES, *SESSIONS[1:], read=(INDICATORS_TABLE, PRICE_DOUBTS))
    assert outdated(lake) == []


def test_lists_are_due_that_look_back_on_doubts_that_are_due(tmp_path: Path) -> None:
    lake = lake_of(tmp_path)
    put(lake, INDICATORS_TABLE, *SESSIONS)
    put(lake, PRICE_DOUBTS, *SESSIONS)
    put(lake_of(tmp_path, price_doubts={"*": "0" * 12}), PRICE_DOUBTS, SESSIONS[2])
    put(lake, CANDIDATES, *SESSIONS, read=(INDICATORS_TABLE, PRICE_DOUBTS))
    assert outdated_sessions(lake, STOCKS).stretches == [
        Stretch(SESSIONS[2], SESSIONS[2], ("stocks.candidates", "stocks.price_doubts")),
        Stretch(SESSIONS[3], SESSIONS[-1], ("stocks.candidates",)),
    ]


def test_sessions_whose_prices_were_never_checked_are_offered_where_there_are_lists(tmp_path: Path) -> None:
    lake = lake_of(tmp_path)
    put(lake, INDICATORS_TABLE, *SESSIONS)
    assert outdated(lake) == []
    put(lake, CANDIDATES, *SESSIONS[2:], read=(INDICATORS_TABLE,))
    put(lake, PRICE_DOUBTS, SESSIONS[-1])
    assert outdated(lake) == [("stocks.price_doubts", None, SESSIONS[0], SESSIONS[-2], "never computed")]


def test_a_changed_rule_makes_the_signals_due(tmp_path: Path) -> None:
    older = lake_of(tmp_path, signals={"time_stop": "0" * 12})
    put(older, SIGNALS, *SESSIONS)
    assert outdated(lake_of(tmp_path)) == [
        ("portfolio.signals", None, SESSIONS[0], SESSIONS[-1], "rule changed: time_stop")
    ]


def without(part: str) -> dict[str, str]:
    return {name: fingerprint for name, fingerprint in computed_by(INDICATORS_TABLE).items() if name != part}


def test_a_column_new_in_the_table_is_null_in_older_rows_whose_sessions_are_offered(tmp_path: Path) -> None:
    narrower = indicators_table([column for column in COLUMNS if column.name != "resistance"])
    older = Lake(tmp_path / "lake", computed_by=lambda _: without("resistance"))
    older.replace(narrower, SESSIONS, [rows_of(*SESSIONS)], run_id="r", read=[older.read(DAILY_BARS)])
    lake = lake_of(tmp_path)
    assert lake.scan(INDICATORS_TABLE).collect()["resistance"].null_count() == 2 * len(SESSIONS)
    put(lake, INDICATORS_TABLE, SESSIONS[-1])
    cause = "new indicator: resistance"
    assert outdated(lake) == [("stocks.indicators", None, SESSIONS[0], SESSIONS[-2], cause)]


@pytest.mark.thorough
def test_an_indicator_that_went_offers_nothing_and_its_old_values_can_still_be_read(tmp_path: Path) -> None:
    gone = IndicatorColumn("rsi_7", "Wilder's relative strength index, 7 bars.", unit="free")
    wider = indicators_table([*COLUMNS, gone])
    older = Lake(tmp_path / "lake", computed_by=lambda _: {**computed_by(INDICATORS_TABLE), gone.name: "0" * 12})
    rows = rows_of(*SESSIONS).with_columns(rsi_7=30.0)
    older.replace(wider, SESSIONS, [rows], run_id="r", read=[older.read(DAILY_BARS)])
    lake = lake_of(tmp_path)
    assert outdated(lake) == []
    put(lake, INDICATORS_TABLE, SESSIONS[-1])
    found = connect(lake).sql("SELECT session, rsi_7 FROM stocks.indicators WHERE ticker = 'A' ORDER BY session").rows()
    assert found == [*((session, 30.0) for session in SESSIONS[:-1]), (SESSIONS[-1], None)]


def test_the_commit_carries_the_fingerprints_of_each_part_and_what_it_was_made_of_outlasts_its_log(
    tmp_path: Path,
) -> None:
    lake = lake_of(tmp_path)
    put(lake, INDICATORS_TABLE, *SESSIONS)
    (text,) = lake.trail(INDICATORS_TABLE).commits().drop_nulls("first_session")["computed_by"]
    assert json.loads(text) == computed_by(INDICATORS_TABLE)
    lake.open(INDICATORS_TABLE).create_checkpoint()
    Path(lake.uri(INDICATORS_TABLE), "_delta_log", f"{0:020}.json").unlink()
    again = lake_of(tmp_path)
    (kept,) = again.trail(INDICATORS_TABLE).commits().drop_nulls("first_session")["computed_by"]
    assert kept == text


def test_every_row_of_ranges_without_a_ticker_is_put_in_place() -> None:
    stored, computed = rows_of(*SESSIONS[:3]), rows_of(*SESSIONS[:3]).with_columns(rsi_14=50.0)
    ranges = pl.DataFrame(
        {"ticker": [None, "A"], "first_session": SESSIONS[1:3], "last_session": SESSIONS[1:3]},
        schema={"ticker": pl.String, "first_session": pl.Date, "last_session": pl.Date},
    )
    rows = with_recomputed(stored, computed, ranges).sort("session", "ticker")
    assert rows["rsi_14"].to_list() == [None, None, 50.0, 50.0, 50.0, None]
