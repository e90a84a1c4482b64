"""A repair without a command around it: what it restores, what it takes out, and what it reports as lost."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.reference import SPLITS
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.market.securities.reference import merged, with_split_doubts
from pipeline.orchestration.repair import repair
from pipeline.progress import Progress
from pipeline.queries.integrity import verify
from pipeline.settings import Settings

THU, FRI = date(2024, 1, 4), date(2024, 1, 5)
OWN = [name for name in SPLITS.columns if name not in ("doubt", "first_seen_at", "last_seen_at", "withdrawn_at")]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake(settings.lake)


def refresh_splits(lake: Lake, *tickers: str) -> None:
    known = lake.read(SPLITS).rows.collect()
    rows = [
        {"ticker": ticker, "execution_date": THU, "split_from": 1.0, "split_to": 2.0, "id": ticker}
        for ticker in tickers
    ]
    answer = pl.DataFrame(rows, schema={name: SPLITS.columns[name] for name in OWN})
    history = merged(known, answer, datetime.now(UTC))
    lake.refresh(SPLITS, with_split_doubts(history), run_id="reference")


def alert(session: date) -> pl.DataFrame:
    fixed = {"session": session, "channel": "a", "service": "Telegram", "kind": "list", "part": "message", "top": 1}
    row = fixed | {"listed": [], "selling": [], "sent_at": datetime(2024, 1, 6, tzinfo=UTC), "run_id": "r"}
    return pl.DataFrame([row], schema=ALERTS.columns)


def lose_newest_file(lake: Lake, table: Table) -> None:
    Path(lake.open(table).file_uris()[0]).unlink()


def repaired_words(settings: Settings) -> str:
    lake = Lake(settings.lake)
    done = repair(settings, verify(lake, Progress()), Progress())
    assert done.ended_well
    assert verify(lake, Progress()).damages == []
    return "\n".join(done.lost)


def test_reference_data_without_a_source_is_restored_from_the_version_before(settings: Settings, lake: Lake) -> None:
    refresh_splits(lake, "IBM")
    refresh_splits(lake, "IBM", "MSFT")
    lose_newest_file(lake, SPLITS)
    words = repaired_words(settings)
    assert "reference.splits was restored as of version 1" in words
    assert "CANDLELAKE_REFERENCE" in words
    assert Lake(settings.lake).scan(SPLITS).collect()["ticker"].to_list() == ["IBM"]


def test_a_damaged_record_of_alerts_is_taken_out_and_the_consequence_is_reported(
    settings: Settings, lake: Lake
) -> None:
    lake.replace(ALERTS, [THU], [alert(THU)], run_id="r")
    earlier = set(lake.open(ALERTS).file_uris())
    lake.replace(ALERTS, [FRI], [alert(FRI)], run_id="r")
    for file in set(lake.open(ALERTS).file_uris()) - earlier:
        Path(file).unlink()
    words = repaired_words(settings)
    assert f"operations.alerts has lost its rows of {FRI} to {FRI}" in words
    assert "may send its alerts again" in words
    assert Lake(settings.lake).scan(ALERTS).collect()["session"].to_list() == [THU]
