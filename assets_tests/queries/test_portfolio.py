"""The portfolio in the lake: records of several processes at once, and what is read to value them."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from assets_tests.market.holdings import NO_SPLITS, SESSIONS, bars, day, opening, splits
from assets_tests.stocks import declaring
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.portfolio import POSITION_MARKS, POSITIONS, SIGNALS
from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS
from pipeline.errors import PositionRefused, WriteConflict
from pipeline.lake.lake import Lake
from pipeline.market.market import market_of
from pipeline.market.portfolio.book import Sale, with_openings, with_sale
from pipeline.market.portfolio.sell.rules import STOP_HIT
from pipeline.queries.portfolio import oversold_sales, portfolio, record, recorded_positions, sold, standing
from pipeline.queries.recording import ATTEMPTS
from pipeline.venues.us_stocks import US_STOCKS

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
ADDS = 4
SALE = Sale("A", 50.0, day(3), quantity=5)
TYPED = ("entry", "sale_quantity", "sale_position", "sale_part", "stop_from", "target_from", "do_not_reduce")
"""What was not kept of a position before."""

ADDING = """
import sys
from datetime import UTC, date, datetime
from pipeline.lake.lake import Lake
from pipeline.market.portfolio.book import Opening, with_openings
from pipeline.queries.portfolio import record
root, name, count = sys.argv[1:]
lake = Lake(root)
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(count)):
    opening = Opening(f"{name}{number}", 1.0, 10.0, date(2024, 1, 2))
    record(lake, lambda known: with_openings(known, [opening], datetime.now(UTC)), run_id=name)
"""


ONLY_STOPS = market_of(US_STOCKS, declaring(rules=(STOP_HIT,)))
"""US stocks with signals by the stop rule only."""


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def bought(lake, *openings):
    record(lake, lambda known: with_openings(known, openings, NOW), run_id="test")


def fill(lake, *frames):
    rows = pl.concat(frames)
    sessions = rows["session"].unique().sort().to_list()
    lake.replace(DAILY_BARS, sessions, [rows], run_id="test")


def split_history(*rows):
    """Return splits as the vendor has them, given as ticker, number of the session, old and new shares."""
    split_rows = [
        {
            "ticker": ticker,
            "execution_date": day(at),
            "split_from": old,
            "split_to": new,
            "first_seen_at": NOW,
            "last_seen_at": NOW,
        }
        for ticker, at, old, new in rows
    ]
    return pl.DataFrame(split_rows, schema=SPLITS.columns)


@pytest.mark.thorough
def test_two_processes_that_record_at_once_lose_nothing(tmp_path):
    names = ("A", "B")
    adders = [
        subprocess.Popen(  # noqa: S603 (our own code)
            [sys.executable, "-c", ADDING, str(tmp_path / "lake"), name, str(ADDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
        )
        for name in names
    ]
    for adder in adders:
        adder.stdout.readline()
    for adder in adders:
        adder.communicate("go\n")
    assert [adder.returncode for adder in adders] == [0, 0]
    rows = recorded_positions(Lake(tmp_path / "lake"))
    assert sorted(rows["ticker"]) == sorted(f"{name}{number}" for name in names for number in range(ADDS))
    assert rows["position"].to_list() == list(range(1, len(names) * ADDS + 1))


def test_threads_that_record_the_very_first_positions_lose_nothing(lake):
    together = threading.Barrier(4)

    def adder(name):
        together.wait()
        bought(lake, opening(name))

    threads = [threading.Thread(target=adder, args=(name,)) for name in "ABCD"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(recorded_positions(lake)["ticker"]) == list("ABCD")
    assert recorded_positions(lake)["position"].to_list() == [1, 2, 3, 4]


def test_a_change_sees_what_another_has_recorded_meanwhile(lake):
    seen = []

    def change(known):
        seen.append(known.height)
        if len(seen) == 1:
            bought(lake, opening("B"))
        return with_openings(known, [opening("A")], NOW)

    record(lake, change, run_id="test")
    assert seen == [0, 1]
    assert recorded_positions(lake).select("position", "ticker").rows() == [(1, "B"), (2, "A")]


@pytest.mark.thorough
def test_a_record_gives_up_when_others_are_always_faster(lake, monkeypatch):
    monkeypatch.setattr("pipeline.queries.recording.LONGEST_PAUSE", 0)
    tried = []

    def change(known):
        tried.append(known.height)
        lake.refresh(POSITIONS, with_openings(known, [opening("B")], NOW), run_id="other")
        return with_openings(known, [opening("A")], NOW)

    with pytest.raises(WriteConflict):
        record(lake, change, run_id="test")
    assert len(tried) == ATTEMPTS
    assert set(recorded_positions(lake)["ticker"]) == {"B"}


def test_a_refused_change_writes_nothing(lake):
    bought(lake, opening("A"))
    before = lake.version(POSITIONS)
    with pytest.raises(PositionRefused):
        record(lake, lambda known: with_sale(known, split_history(), Sale("B", 1.0, day(1)), NOW), run_id="test")
    assert lake.version(POSITIONS) == before


def test_while_nothing_is_held_no_bar_is_read(lake, monkeypatch):
    fill(lake, bars("A", {0: 100}))
    monkeypatch.setattr(Lake, "scan", None)
    monkeypatch.setattr("pipeline.queries.portfolio._reading", None)
    found = portfolio(lake, ONLY_STOPS, [day(0)])
    assert found.marks.equals(POSITION_MARKS.empty())
    assert found.signals.equals(SIGNALS.empty())
    assert [one.table for one in found.read] == [POSITIONS]


def test_positions_are_valued_with_the_lake_s_bars_and_splits_and_name_the_versions_read(lake):
    bought(lake, opening("A", stop=95))
    fill(lake, bars("A", {0: 100, 1: 47}), bars("B", {0: 7, 1: 7}))
    lake.refresh(SPLITS, split_history(("A", 1, 1, 2), ("B", 1, 1, 3)), run_id="test")
    found = portfolio(lake, ONLY_STOPS, SESSIONS[:2])
    assert found.marks.select("session", "quantity", "value").rows() == [(day(0), 10, 1000), (day(1), 20, 940)]
    assert found.signals.select("session", "rule", "threshold", "is_new").rows() == [(day(1), "stop_hit", 47.5, True)]
    assert {one.table: one.version for one in found.read} == {
        POSITIONS: lake.version(POSITIONS),
        DAILY_BARS: lake.version(DAILY_BARS),
        ONLY_STOPS.indicators: None,
        SPLITS: lake.version(SPLITS),
        DIVIDENDS: None,
        TICKERS: None,
        TICKER_EVENTS: None,
    }


def test_a_signal_of_the_session_before_is_no_news_though_only_one_session_is_requested(lake):
    bought(lake, opening("A", stop=95))
    fill(lake, bars("A", {0: 100, 1: 94, 2: 93}))
    assert portfolio(lake, ONLY_STOPS, [day(2)]).signals["is_new"].to_list() == [False]


def test_what_stands_is_what_is_held_with_its_signals_and_what_was_bought_since_at_its_price(lake):
    bought(lake, opening("A", stop=95, note="mine"), opening("B"), opening("C", at=3))
    record(lake, lambda known: with_sale(known, split_history(), Sale("B", 1.0, day(2)), NOW), run_id="test")
    fill(lake, bars("A", {0: 100, 1: 94}), bars("B", {0: 1, 1: 1}))
    first, second = standing(lake, ONLY_STOPS, day(1), day(3))
    assert (first["ticker"], first["session"], first["note"]) == ("A", day(1), "mine")
    assert [signal["rule"] for signal in first["signals"]] == ["stop_hit"]
    assert (second["ticker"], second["session"], second["no_bar"], second["value"]) == ("C", day(3), True, 1000)
    assert [one["ticker"] for one in standing(lake, ONLY_STOPS, day(1), day(1))] == ["A", "B"]
    assert standing(lake, ONLY_STOPS, day(0), day(0))[0]["signals"] == []


def test_sales_show_their_proceeds_without_any_bar(lake):
    bought(lake, opening("A", commission=1), opening("B"))
    lake.refresh(SPLITS, split_history(("A", 1, 1, 2)), run_id="test")
    splits = split_history(("A", 1, 1, 2))
    record(lake, lambda known: with_sale(known, splits, Sale("A", 60.0, day(2), quantity=10), NOW), run_id="test")
    record(lake, lambda known: with_sale(known, splits, Sale("B", 90.0, day(4)), NOW), run_id="test")
    assert sold(lake, day(3)).select("ticker", "realised").rows() == [("A", 600 - 500 - 0.5)]
    assert sold(lake, day(4))["realised"].to_list() == [-100, 99.5]
    assert sold(lake, day(1)).is_empty()


def withdrawn(rows):
    return rows.with_columns(withdrawn_at=pl.lit(NOW + timedelta(days=1)))


def test_a_split_learnt_after_a_sale_changes_what_it_left_and_a_withdrawn_one_changes_it_back(lake):
    bought(lake, opening("A"))
    record(lake, lambda known: with_sale(known, NO_SPLITS, Sale("A", 50.0, day(3), quantity=5), NOW), run_id="test")
    fill(lake, bars("A", {0: 100, 3: 50}))
    known_splits = split_history(("A", 2, 1, 2))
    for known, quantity, value in ((known_splits, 15, 750), (withdrawn(known_splits), 5, 250), (known_splits, 15, 750)):
        lake.refresh(SPLITS, known, run_id="test")
        (position,) = standing(lake, ONLY_STOPS, day(3), day(3))
        assert (position["quantity"], position["value"]) == (quantity, value)
        assert sold(lake, day(3))["realised"].to_list() == [5 * 50 - (1000 - quantity / (quantity + 5) * 1000)]


def test_a_table_of_before_is_read_as_before_corrected_and_kept_with_the_next_record(lake):
    columns = {name: dtype for name, dtype in POSITIONS.columns.items() if name not in TYPED}
    before = replace(POSITIONS, schema=POSITIONS.schema.remove_columns(list(TYPED)))
    rows = with_sale(with_openings(POSITIONS.empty(), [opening("A")], NOW), NO_SPLITS, SALE, NOW).select(list(columns))
    lake.refresh(before, rows, run_id="the version before")
    fill(lake, bars("A", {0: 100, 3: 50}))
    assert [one["quantity"] for one in standing(lake, ONLY_STOPS, day(3), day(3))] == [5]
    learnt = split_history(("A", 2, 1, 2)).with_columns(first_seen_at=NOW + timedelta(days=1))
    lake.refresh(SPLITS, learnt.with_columns(last_seen_at="first_seen_at"), run_id="test")
    assert [one["quantity"] for one in standing(lake, ONLY_STOPS, day(3), day(3))] == [15]
    bought(lake, opening("B"))
    kept = lake.read(POSITIONS).rows.collect().sort(POSITIONS.key)
    assert kept.filter(ticker="A").select(list(columns)).equals(rows.sort(POSITIONS.key))
    assert kept["entry"].to_list() == [1, 2, 2, 3]
    assert [one["quantity"] for one in standing(lake, ONLY_STOPS, day(3), day(3))] == [15, 10]


def test_a_sale_beyond_what_is_held_by_the_splits_known_now_is_named(lake):
    bought(lake, opening("A"))
    known = splits(("A", 2, 1, 2))
    sale = Sale("A", 50.0, day(3), quantity=15)
    record(lake, lambda rows: with_sale(rows, known, sale, NOW), run_id="test")
    assert [one.held for one in oversold_sales(lake)] == [10]
    lake.refresh(SPLITS, split_history(("A", 2, 1, 2)), run_id="test")
    assert oversold_sales(lake) == []
