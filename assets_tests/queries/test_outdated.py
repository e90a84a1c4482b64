"""What a lake computed from bars or splits that have changed since, by its commits."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from assets_tests.stocks import INDICATORS_TABLE, STOCKS, computed_by, indicators
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.reference import SPLITS, vendor_columns
from pipeline.lake.delta.maintenance import compact
from pipeline.lake.lake import Lake
from pipeline.market.outdated_ranges import UNKNOWN
from pipeline.market.securities.reference import merged, with_split_doubts
from pipeline.queries.outdated import outdated_sessions
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(date(2024, 1, 2), date(2024, 1, 10))


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake", computed_by=computed_by)


def bars(session, **closes):
    return pl.DataFrame(
        [
            {"ticker": ticker, "session": session, "open": close, "high": close, "low": close, "close": close}
            | {"volume": 100.0, "transactions": 1}
            for ticker, close in closes.items()
        ],
        schema=DAILY_BARS.columns,
    )


def put_bars(lake, *days):
    lake.replace(DAILY_BARS, [day["session"][0] for day in days], days, run_id="bars")


def compute(lake, sessions):
    """Compute the indicators of the sessions from what the lake holds now, as the asset does."""
    read = [lake.read(DAILY_BARS, None, sessions[-1]), lake.read(SPLITS)]
    rows = indicators(read[0].rows.collect(), SESSIONS, sessions[0])
    wanted = rows.filter(pl.col("session").is_in(sessions))
    lake.replace(INDICATORS_TABLE, sessions, [wanted], run_id="indicators", read=read)


def tell(lake, *splits):
    rows = [
        {"ticker": ticker, "execution_date": day, "split_from": 1.0, "split_to": to, "id": f"{ticker}{day}{to}"}
        for ticker, day, to in splits
    ]
    known = lake.read(SPLITS).rows.collect()
    history = merged(known, pl.DataFrame(rows, schema=vendor_columns(SPLITS)), datetime.now(UTC))
    lake.refresh(SPLITS, with_split_doubts(history), run_id="reference")


def filled(lake):
    put_bars(lake, *[bars(session, A=10.0, B=20.0) for session in SESSIONS])
    tell(lake)
    compute(lake, SESSIONS)


def outdated_rows(lake):
    columns = ["ticker", "first_session", "last_session", "cause"]
    return outdated_sessions(lake, STOCKS).outdated.select(columns).rows()


def test_an_empty_lake_has_nothing_to_restate(lake):
    assert outdated_sessions(lake, STOCKS).spans == []


def test_what_was_computed_from_the_newest_versions_holds(lake):
    filled(lake)
    assert outdated_rows(lake) == []


def test_a_late_split_outdates_its_ticker_from_its_day_on_and_computing_again_settles_it(lake):
    filled(lake)
    tell(lake, ("A", SESSIONS[3], 2.0))
    assert outdated_rows(lake) == [("A", SESSIONS[3], SESSIONS[-1], "split of 2 for 1 became known")]
    assert outdated_sessions(lake, STOCKS).spans == [(SESSIONS[3], SESSIONS[-1])]
    compute(lake, SESSIONS[3:])
    assert outdated_rows(lake) == []


def test_a_split_learnt_after_a_clock_was_ahead_outdates_what_was_computed_then(lake, monkeypatch):
    filled(lake)
    ahead = lake.version(SPLITS)
    tell(lake)
    tell(lake, ("A", SESSIONS[3], 2.0))
    history = Lake.history

    def stamped_ahead(self, name):
        late = pl.col("committed_at") + pl.duration(days=400)
        stamp = pl.when(pl.col("version") == ahead).then(late).otherwise("committed_at")
        commits = history(self, name)
        return commits.with_columns(committed_at=stamp) if name == "reference/splits" else commits

    monkeypatch.setattr(Lake, "history", stamped_ahead)
    assert outdated_rows(lake) == [("A", SESSIONS[3], SESSIONS[-1], "split of 2 for 1 became known")]


def test_a_lake_that_never_heard_of_splits_learns_of_all_of_them(lake):
    put_bars(lake, *[bars(session, A=10.0) for session in SESSIONS])
    compute(lake, SESSIONS)
    tell(lake, ("A", SESSIONS[2], 0.05))
    assert outdated_rows(lake) == [("A", SESSIONS[2], SESSIONS[-1], "split of 1 for 20 became known")]


def test_a_replaced_file_outdates_the_later_sessions_of_the_tickers_that_it_changed(lake):
    filled(lake)
    put_bars(lake, bars(SESSIONS[2], A=10.0, B=21.0, C=5.0))
    assert outdated_rows(lake) == [
        ("B", SESSIONS[2], SESSIONS[-1], "its bar changed"),
        ("C", SESSIONS[2], SESSIONS[-1], "its bar changed"),
    ]
    compute(lake, SESSIONS[2:])
    assert outdated_rows(lake) == []


def test_a_file_written_again_without_a_change_outdates_nothing(lake):
    filled(lake)
    put_bars(lake, bars(SESSIONS[2], A=10.0, B=20.0))
    assert outdated_rows(lake) == []


def test_a_bar_that_went_outdates_the_sessions_that_read_it(lake):
    filled(lake)
    put_bars(lake, bars(SESSIONS[5], A=10.0))
    assert outdated_rows(lake) == [("B", SESSIONS[5], SESSIONS[-1], "its bar changed")]


def test_bars_that_came_in_before_outdate_every_session_that_looks_back_on_them(lake):
    put_bars(lake, *[bars(session, A=10.0) for session in SESSIONS[2:]])
    compute(lake, SESSIONS[2:])
    put_bars(lake, *[bars(session, A=9.0) for session in SESSIONS[:2]])
    assert {row[:3] for row in outdated_rows(lake)} == {("A", SESSIONS[2], SESSIONS[-1])}
    compute(lake, SESSIONS)
    assert outdated_rows(lake) == []


@pytest.mark.thorough
def test_sessions_computed_one_by_one_as_they_come_hold(lake):
    tell(lake)
    for session in SESSIONS:
        put_bars(lake, bars(session, A=10.0))
        compute(lake, [session])
    assert outdated_rows(lake) == []


def test_compaction_outdates_nothing(lake):
    for session in SESSIONS:
        put_bars(lake, bars(session, A=10.0))
    tell(lake)
    compute(lake, SESSIONS)
    compact(lake, DAILY_BARS, run_id="r")
    compact(lake, INDICATORS_TABLE, run_id="r")
    assert outdated_rows(lake) == []


def test_bars_whose_former_version_was_vacuumed_all_count_as_changed(lake):
    filled(lake)
    read = lake.open(DAILY_BARS).file_uris()
    put_bars(lake, *[bars(session, A=10.0, B=20.0) for session in SESSIONS])
    for file in read:
        Path(file.removeprefix("file://")).unlink()
    assert {row[0] for row in outdated_rows(lake)} == {"A", "B"}


@pytest.mark.thorough
def test_a_table_replaced_by_an_older_copy_outdates_what_was_made_from_the_newer(lake, tmp_path):
    put_bars(lake, *[bars(session, A=10.0) for session in SESSIONS])
    older = shutil.copytree(lake.uri(DAILY_BARS), tmp_path / "older")
    put_bars(lake, bars(SESSIONS[3], A=11.0))
    compute(lake, SESSIONS)
    assert outdated_rows(lake) == []
    shutil.rmtree(lake.uri(DAILY_BARS))
    older.rename(lake.uri(DAILY_BARS))
    again = Lake(lake.root, computed_by=computed_by)
    assert outdated_rows(again) == [("A", SESSIONS[0], SESSIONS[-1], UNKNOWN)]
    compute(again, SESSIONS)
    assert outdated_rows(again) == []


def test_rows_whose_commit_is_lost_are_computed_again_and_then_hold(lake):
    filled(lake)
    lake.open(INDICATORS_TABLE).create_checkpoint()
    lost = lake.version(INDICATORS_TABLE)
    compute(lake, SESSIONS[5:])
    for left in (f"_hashes/{lost:020}.json", f"_delta_log/{lost:020}.json"):
        Path(lake.uri(INDICATORS_TABLE), left).unlink()
    again = Lake(lake.root, computed_by=computed_by)
    assert set(outdated_rows(again)) == {(ticker, SESSIONS[0], SESSIONS[4], UNKNOWN) for ticker in "AB"}
    compute(again, SESSIONS[:5])
    assert outdated_rows(again) == []


@pytest.mark.thorough
def test_bars_whose_commit_is_lost_count_as_changed_for_who_read_them_before(lake):
    filled(lake)
    put_bars(lake, bars(SESSIONS[2], A=10.0, B=21.0))
    lost = lake.version(DAILY_BARS)
    put_bars(lake, bars(SESSIONS[-1], A=10.0, B=20.0))
    lake.open(DAILY_BARS).create_checkpoint()
    for left in (f"_hashes/{lost:020}.json", f"_delta_log/{lost:020}.json"):
        Path(lake.uri(DAILY_BARS), left).unlink()
    again = Lake(lake.root, computed_by=computed_by)
    assert {row[0] for row in outdated_rows(again)} >= {"B"}
    compute(again, SESSIONS)
    assert outdated_rows(again) == []


def test_spans_apart_are_run_apart_and_neighbours_together(lake):
    filled(lake)
    first, second = outdated_sessions(lake, STOCKS), SESSIONS
    ranges = [("A", second[0], second[1]), ("B", second[2], second[2]), ("C", second[5], second[6])]
    outdated = pl.DataFrame(
        [
            {"ticker": ticker, "first_session": start, "last_session": end, "event_date": start, "cause": "test"}
            for ticker, start, end in ranges
        ],
        schema=first.outdated.schema,
    )
    both = type(first)(outdated, first.dependent.clear(), first.venue)
    assert both.spans == [(second[0], second[2]), (second[5], second[6])]
    assert both.sessions == 5
    assert both.within(second[1], second[5]).select("ticker", "first_session", "last_session").rows() == [
        ("A", second[1], second[1]),
        ("B", second[2], second[2]),
        ("C", second[5], second[5]),
    ]
