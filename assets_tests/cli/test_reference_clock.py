"""Reference data that was refreshed while this computer's clock was ahead: reported, and corrected without loss."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
import time_machine

from assets_tests.assets.reference_runs import ReferenceFolder, split
from assets_tests.cli.conftest import lay
from assets_tests.dagster_runs import rows
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.reference import SPLITS
from pipeline.lake.lake import Lake
from pipeline.market.securities.reference import applicable_splits

NOW = datetime(2024, 3, 4, 15, tzinfo=UTC)
AHEAD = NOW + timedelta(days=400)


@pytest.fixture
def folder(tmp_path):
    folder = ReferenceFolder(tmp_path)
    folder.tell(splits=[split("A")])
    return folder


@pytest.fixture
def ask_at(ask_in, folder, monkeypatch):
    """Ask a command while the clock shows a moment."""
    ask = ask_in(folder.settings.home)
    monkeypatch.setenv("CANDLELAKE_REFERENCE", str(folder.root / "reference"))
    lay(folder.root / "vendor", date(2024, 3, 1), ["ticker,volume,open,close,high,low,window_start,transactions"])
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES", str(folder.root / "vendor"))

    def answer_at(moment, *arguments):
        with time_machine.travel(moment, tick=True):
            return ask(*arguments)

    return answer_at


def tickers(folder):
    return applicable_splits(rows(folder.settings, SPLITS))["ticker"].to_list()


@pytest.mark.thorough
def test_a_refresh_from_a_day_to_come_is_not_fresh_and_there_is_a_way_back(folder, ask_at):
    assert ask_at(AHEAD, "reference").code == 0
    folder.tell(splits=[split("A"), split("B")])

    run = ask_at(NOW, "run", "--date", "2024-03-01")
    assert run.code == 1
    assert "refreshed on 2025-04-08 15:00 UTC, which is in the future" in run.words
    assert "`candlelake reference --clock-was-ahead`" in run.words
    assert tickers(folder) == ["A"]

    put_right = ask_at(NOW, "reference", "--clock-was-ahead")
    assert put_right.code == 0, put_right.words
    assert "reference.splits: what was dated up to 2025-04-08" in put_right.words
    assert tickers(folder) == ["A", "B"]
    history = rows(folder.settings, SPLITS).sort("ticker")
    assert history["first_seen_at"].is_sorted()
    assert history["last_seen_at"].max() < NOW + timedelta(minutes=1)

    folder.tell(splits=[split("A"), split("B"), split("C")])
    again = ask_at(NOW + timedelta(hours=21), "run", "--date", "2024-03-01")
    assert "yet to come" not in again.words
    assert tickers(folder) == ["A", "B", "C"]


@pytest.mark.thorough
def test_a_correction_of_dates_is_not_taken_for_a_refresh(folder, ask_at):
    ask_at(AHEAD, "reference")
    folder.write("splits.json", "not JSON")
    assert ask_at(NOW, "reference", "--clock-was-ahead").code == 1
    folder.tell(splits=[split("B")])
    ask_at(NOW + timedelta(minutes=1), "run", "--date", "2024-03-01")
    assert tickers(folder) == ["B"]


@pytest.mark.thorough
def test_a_clock_behind_the_newest_bars_is_reported_instead(folder, ask_at):
    ask_at(AHEAD, "reference")
    bar = {"ticker": "A", "session": AHEAD.date(), "volume": 1.0, "transactions": 1, "window_start": AHEAD}
    row = bar | dict.fromkeys(("open", "high", "low", "close"), 10.0)
    bars = pl.DataFrame([{name: row[name] for name in DAILY_BARS.columns}], schema=DAILY_BARS.columns)
    Lake(folder.settings.lake).replace(DAILY_BARS, [AHEAD.date()], [bars], run_id="bars")
    before = rows(folder.settings, SPLITS)
    answer = ask_at(NOW, "reference", "--clock-was-ahead")
    assert answer.code == 1
    assert "it is 2024-03-04: the clock is behind" in answer.words
    assert rows(folder.settings, SPLITS).equals(before)
