"""Sessions computed from rows that were computed again since, as a run leaves them that ends between two tables."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets_tests.stocks import COMPUTED, INDICATORS_TABLE, STOCKS, computed_by
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES
from pipeline.contracts.table import Table
from pipeline.lake.delta.maintenance import compact
from pipeline.lake.lake import Lake
from pipeline.queries.outdated import outdated_sessions
from pipeline.queries.outdated_inputs import outdated_by_inputs
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(date(2024, 1, 2), date(2024, 1, 10))
CAUSE = "stocks.indicators changed"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with lists of all sessions, made from indicators that are all 1."""
    lake = Lake(tmp_path / "lake", computed_by=computed_by)
    price = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    bars = [{"ticker": ticker, "session": day, **price, "transactions": 1} for day in SESSIONS for ticker in "AB"]
    lake.replace(DAILY_BARS, SESSIONS, [pl.DataFrame(bars, schema=DAILY_BARS.columns)], run_id="bars")
    put_indicators(lake, *SESSIONS, value=1.0)
    put_empty(lake, CANDIDATES, *SESSIONS, read=INDICATORS_TABLE)
    return lake


def put_indicators(lake: Lake, *sessions: date, value: float) -> None:
    rows = [{"ticker": ticker, "session": session, "return_5": value} for session in sessions for ticker in "AB"]
    columns = INDICATORS_TABLE.schema.columns
    required = {name: 1 for name, column in columns.items() if not column.nullable and name not in rows[0]}
    frame = pl.DataFrame([required | row for row in rows])
    missing = [pl.lit(None).alias(name) for name in INDICATORS_TABLE.columns if name not in frame.columns]
    typed = [pl.col(name).cast(dtype) for name, dtype in INDICATORS_TABLE.columns.items()]
    lake.replace(
        INDICATORS_TABLE,
        sessions,
        [frame.with_columns(missing).select(typed)],
        run_id="r",
        read=[lake.read(DAILY_BARS)],
    )


def put_empty(lake: Lake, table: Table, *sessions: date, read: Table) -> None:
    reading = lake.read(read, sessions[0], sessions[-1])
    lake.replace(table, sessions, [table.empty()], run_id="lists", read=[reading])


def outdated(lake: Lake) -> list[tuple[str, date, date, str]]:
    return outdated_by_inputs(lake, STOCKS, COMPUTED).select("table", "first_session", "last_session", "cause").rows()


def test_lists_of_the_current_indicators_are_not_outdated(lake: Lake) -> None:
    assert outdated(lake) == []


def test_lists_of_indicators_that_changed_since_are_outdated(lake: Lake) -> None:
    put_indicators(lake, *SESSIONS[2:4], value=2.0)
    put_indicators(lake, SESSIONS[5], value=3.0)
    assert outdated(lake) == [
        ("stocks.candidates", SESSIONS[2], SESSIONS[3], CAUSE),
        ("stocks.candidates", SESSIONS[5], SESSIONS[5], CAUSE),
    ]


def test_what_was_made_from_such_lists_is_due_with_them(lake: Lake) -> None:
    put_empty(lake, CANDIDATE_OUTCOMES, *SESSIONS, read=CANDIDATES)
    put_indicators(lake, SESSIONS[2], value=2.0)
    due = outdated_sessions(lake, STOCKS).due.filter(session=SESSIONS[2])
    assert {"stocks.candidates", "stocks.candidate_outcomes"} <= set(due["table"])


def test_lists_made_again_from_them_are_current(lake: Lake) -> None:
    put_indicators(lake, *SESSIONS[2:4], value=2.0)
    put_empty(lake, CANDIDATES, *SESSIONS[2:4], read=INDICATORS_TABLE)
    assert outdated(lake) == []


def test_indicators_computed_again_with_the_same_values_outdate_nothing(lake: Lake) -> None:
    put_indicators(lake, *SESSIONS, value=1.0)
    compact(lake, INDICATORS_TABLE, run_id="maintenance")
    assert outdated(lake) == []


def test_where_the_version_that_was_read_is_gone_the_session_counts_as_outdated(lake: Lake) -> None:
    put_indicators(lake, *SESSIONS, value=1.0)
    for file in {*Path(lake.root, "stocks/indicators").rglob("*.parquet")} - current_files(lake):
        file.unlink()
    assert outdated(lake) == [("stocks.candidates", SESSIONS[0], SESSIONS[-1], CAUSE)]


def current_files(lake: Lake) -> set[Path]:
    return {Path(lake.root, "stocks/indicators", name) for name in lake.open(INDICATORS_TABLE).file_uris()}
