"""A small table with the features of the real ones, and lakes on a disk of their own."""

import shutil
from datetime import date
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest

from assets_tests.lake.aging import aged, forget_properties
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.venues.us_stocks import US_STOCKS

PRICES = Table(
    venue=US_STOCKS,
    name="prices",
    schema=pa.DataFrameSchema(
        {
            "ticker": pa.Column(str, description="Ticker."),
            "session": pa.Column(pl.Date, description="The trader's day."),
            "close": pa.Column(float, pa.Check.gt(0), description="Last price."),
            "seen": pa.Column(pl.Datetime("us", "UTC"), nullable=True, description="When it was seen."),
        }
    ),
    key=("ticker", "session"),
    description="Last prices, one a ticker's session.",
)

REJECTS = Table(
    venue=US_STOCKS,
    name="rejects",
    schema=pa.DataFrameSchema({"session": pa.Column(pl.Date), "row": pa.Column(pl.Int64)}),
    key=("session", "row"),
    description="Rows that were not let in.",
    may_be_empty=True,
)

JAN_2, JAN_3, JAN_4, JAN_31 = date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4), date(2024, 1, 31)
FEB_1, FEB_2 = date(2024, 2, 1), date(2024, 2, 2)


def prices(session: date, **closes: float) -> pl.DataFrame:
    return pl.DataFrame(
        [{"ticker": ticker, "session": session, "close": close, "seen": None} for ticker, close in closes.items()],
        schema=PRICES.columns,
    )


def fill(lake: Lake, commits: int = 24) -> None:
    """Write the sessions of early January again and again, in this many commits."""
    for number in range(commits):
        day = (JAN_2, JAN_3, JAN_4)[number % 3]
        lake.replace(PRICES, [day], [prices(day, A=1.0 + number)], run_id=f"r{number}")


def rejects(session: date, *rows: int) -> pl.DataFrame:
    return pl.DataFrame({"session": [session] * len(rows), "row": rows}, schema=REJECTS.columns)


def stored_closes(lake: Lake, version: int | None = None) -> dict[tuple[date, str], float]:
    rows = lake.scan(PRICES, version=version).collect()
    assert rows.select("ticker", "session").is_duplicated().sum() == 0
    return {(row["session"], row["ticker"]): row["close"] for row in rows.iter_rows(named=True)}


@pytest.fixture(scope="session")
def long_ago(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake half a year old, from before tables made Delta keep their log; to be copied."""
    lake = Lake(tmp_path_factory.mktemp("long-ago") / "lake")
    fill(lake)
    forget_properties(Path(lake.uri(PRICES)))
    aged(Path(lake.uri(PRICES)), days=200)
    return Path(lake.root)


@pytest.fixture
def old(long_ago: Path, tmp_path: Path) -> Lake:
    """Return a copy of it that the test may change."""
    return Lake(shutil.copytree(long_ago, tmp_path / "old"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")
