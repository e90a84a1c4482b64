"""A lake with bars of some tickers, one of which splits, and a way to ask it about positions."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from assets_tests.cli.conftest import Ask
from assets_tests.market.holdings import bars, day
from assets_tests.stocks import declare, declaring
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.reference import SPLITS
from pipeline.lake.lake import Lake
from pipeline.market.portfolio.sell.rules import STOP_HIT
from pipeline.queries.portfolio import recorded_positions

LATEST = day(6)
"""The newest session so far; the lake has bars up to the one before."""

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home whose lake has six sessions of AAPL (which splits 2:1), HALT (which stops after two) and AAp."""
    home = tmp_path / "home"
    lake = Lake(home / "lake")
    rows = pl.concat(
        [
            bars("AAPL", {0: 100, 1: 104, 2: 55, 3: 56, 4: 57, 5: 50}, low={0: 90}, high={0: 110}),
            bars("HALT", {0: 20, 1: 21}),
            bars("AAp", dict.fromkeys(range(6), 7)),
        ]
    )
    lake.replace(DAILY_BARS, [day(number) for number in range(6)], [rows], run_id="test")
    split = {"ticker": "AAPL", "execution_date": day(2), "split_from": 1.0, "split_to": 2.0}
    seen = {"first_seen_at": NOW, "last_seen_at": NOW}
    lake.refresh(SPLITS, pl.DataFrame([split | seen], schema=SPLITS.columns), run_id="test")
    (home / "settings.env").write_text(f"CANDLELAKE_END={LATEST}\n")
    return home


@pytest.fixture
def ask(home: Path, ask_in: Callable[[Path], Ask], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a call of `candlelake positions` in that home; only the stop rule gives signals."""
    declare(monkeypatch, declaring(rules=(STOP_HIT,)))
    ask_home = ask_in(home)
    return lambda *arguments: ask_home("positions", *arguments)


def book(home: Path) -> pl.DataFrame:
    return recorded_positions(Lake(home / "lake"))
