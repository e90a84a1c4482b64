"""What is read from the lake for a message; the rest of it is seen in the asset's tests."""

from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest

from assets_tests.alerts.days import FRI, THU, listed, signal, signals
from assets_tests.market.holdings import opening
from assets_tests.stocks import STOCKS
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.contracts.reference import SPLITS
from pipeline.errors import TableMissing
from pipeline.lake.lake import Lake
from pipeline.market.portfolio.book import with_openings
from pipeline.queries.alert_day import newest_session, read_day
from pipeline.queries.portfolio import record

MOMENT = datetime(2024, 1, 5, 4, tzinfo=UTC)


def bar(session):
    prices = dict.fromkeys(("open", "high", "low", "close"), 10.0)
    return {"ticker": "GOOG", "session": session, "volume": 1.0, "transactions": 1, **prices}


def delivery(etag, is_current, **counts):
    numbers = {"rows_read": 10, "kept": 8, "duplicates": 1, "quarantined": 1, "run_id": "r"} | counts
    of_file = {"session": FRI, "key": "k", "etag": etag, "size": 1, "last_modified": MOMENT, "sha256": "0" * 64}
    return {**of_file, "is_current": is_current, "provisional": None, **numbers}


def mark(position, ticker, no_bar):
    numbers = dict.fromkeys(("quantity", "entry", "close", "cost", "value", "peak"), 10.0)
    zeros = dict.fromkeys(("unrealised", "realised", "dividends", "profit", "drawdown"), 0.0)
    of_position = {"position": position, "ticker": ticker, "session": FRI, "no_bar": no_bar, "is_closed": False}
    return {**of_position, **numbers, **zeros, "sessions_held": 1}


def split(ticker, execution_date, doubt, withdrawn_at=None):
    seen = datetime(2024, 1, 1, tzinfo=UTC)
    known = {"first_seen_at": seen, "last_seen_at": seen, "withdrawn_at": withdrawn_at}
    return {
        "ticker": ticker,
        "execution_date": execution_date,
        "split_from": 1.0,
        "split_to": 2.0,
        "doubt": doubt,
        **known,
    }


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    put(lake, DAILY_BARS, [bar(THU), bar(FRI)])
    put(lake, DELIVERIES, [delivery("new", is_current=True), delivery("old", is_current=False, rows_read=20, kept=18)])
    lake.replace(CANDIDATES, [THU, FRI], [listed(THU, "IBM"), listed(FRI, "GOOG")], run_id="r")
    return lake


def put(lake, table, rows):
    frame = pl.DataFrame(rows, schema=table.columns)
    lake.replace(table, sorted(set(frame["session"])), [frame], run_id="r")


def test_a_lake_without_portfolio_and_reference_data_has_its_alert_all_the_same(lake):
    day = read_day(lake, STOCKS, FRI, [])
    assert day.listed["ticker"].to_list() == ["GOOG"]
    assert day.before is not None
    assert day.before["ticker"].to_list() == ["IBM"]
    assert (day.rows_read, day.quarantined) == (10, 1), "of the version in force"
    assert (len(day.signals), day.held_without_bar, day.doubtful_splits) == (0, [], [])
    assert (day.are_splits_known, day.is_provisional, day.missing) == (False, False, [])


def test_the_first_session_of_a_lake_misses_nothing_and_has_none_before(lake):
    day = read_day(lake, STOCKS, THU, [])
    assert (day.before, day.missing) == (None, [])


def test_an_empty_list_of_the_session_before_is_known_to_be_empty(lake):
    lake.replace(CANDIDATES, [THU], [CANDIDATES.empty()], run_id="r")
    before = read_day(lake, STOCKS, FRI, []).before
    assert before is not None
    assert before.is_empty()


def test_signals_come_by_urgency_then_ticker(lake):
    rows = [
        signal("LOW", severity="low", position=4),
        signal("Z", position=3),
        signal("A", position=2),
        signal("MID", severity="medium", position=5),
        signal("OTHER", session=THU),
    ]
    put(lake, SIGNALS, signals(*rows).to_dicts())
    assert read_day(lake, STOCKS, FRI, []).signals["ticker"].to_list() == ["A", "Z", "MID", "LOW"]


def test_positions_without_a_bar_are_named_once(lake):
    put(lake, POSITION_MARKS, [mark(1, "HALTED", True), mark(2, "HALTED", True), mark(3, "GOOG", False)])
    assert read_day(lake, STOCKS, FRI, []).held_without_bar == ["HALTED"]


def test_what_is_held_and_no_longer_listed_is_named_with_its_day(lake):
    gone = mark(1, "GONE", True) | {"delisted_on": THU}
    put(lake, POSITION_MARKS, [gone, gone | {"position": 2}, mark(3, "HALTED", True)])
    day = read_day(lake, STOCKS, FRI, [])
    assert (day.held_without_bar, day.held_delisted) == (["HALTED"], [("GONE", THU)])


def test_splits_in_doubt_are_those_of_tickers_in_the_alert_that_would_move_a_number(lake):
    put(lake, SIGNALS, signals(signal("HELD")).to_dicts())
    day, old, later = date(2023, 6, 1), date(2021, 6, 1), date(2024, 1, 8)
    rows = [
        split("GOOG", day, "conflicting"),
        split("HELD", FRI, "implausible"),
        split("GOOG", date(2023, 6, 2), None),
        split("GOOG", date(2023, 6, 3), "repeated"),
        split("GOOG", old, "conflicting"),
        split("GOOG", later, "conflicting"),
        split("GOOG", date(2023, 6, 4), "conflicting", withdrawn_at=datetime(2024, 1, 2, tzinfo=UTC)),
        split("ELSEWHERE", day, "conflicting"),
    ]
    lake.refresh(SPLITS, pl.DataFrame(rows, schema=SPLITS.columns), run_id="r")
    alert_day = read_day(lake, STOCKS, FRI, [])
    assert alert_day.doubtful_splits == [("GOOG", day, "conflicting"), ("HELD", FRI, "implausible")]
    assert alert_day.are_splits_known


def test_a_split_in_doubt_within_the_time_of_a_holding_is_told_however_long_ago_it_was(lake):
    put(lake, POSITION_MARKS, [mark(1, "HELD", False), mark(2, "GOOG", False)])
    old = opening("HELD"), opening("GOOG")
    opened = [replace(one, opened=date(2020, 1, 2)) for one in old]
    record(lake, lambda known: with_openings(known, opened, MOMENT), run_id="r")
    rows = [split("HELD", date(2021, 6, 1), "conflicting"), split("HELD", date(2019, 6, 3), "conflicting")]
    lake.refresh(SPLITS, pl.DataFrame(rows, schema=SPLITS.columns), run_id="r")
    words = "a split of 2021-06-01 is in doubt and not applied: 2 for 1"
    assert read_day(lake, STOCKS, FRI, []).held_in_doubt == [("HELD", words)]


def test_the_newest_session_is_that_of_the_bars(lake, tmp_path):
    assert newest_session(lake, THU) == FRI
    assert newest_session(lake, date(2024, 1, 8)) is None
    with pytest.raises(TableMissing):
        newest_session(Lake(tmp_path / "empty"), THU)
