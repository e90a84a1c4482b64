"""Ten years of five real stocks: one split, 77 dividends, two crashes, and nothing to doubt."""

import gzip
import io
import json
import tarfile
from datetime import date
from importlib.resources import files

import polars as pl
import pytest

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.reference import DIVIDENDS, SPLITS
from pipeline.market.prices.doubts import price_doubts
from pipeline.market.prices.point_in_time import NO_LISTINGS
from pipeline.sample.real import FIRST_SESSION, LAST_SESSION
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(FIRST_SESSION, LAST_SESSION)


@pytest.fixture(scope="module")
def content() -> dict[str, bytes]:
    archive = files("pipeline.sample").joinpath("real_day_aggs.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r|gz") as members:
        return {
            member.name.rsplit("/", 1)[-1]: read.read() for member in members if (read := members.extractfile(member))
        }


@pytest.fixture(scope="module")
def bars(content: dict[str, bytes]) -> pl.DataFrame:
    lines = [
        f"{name[:10]},{line}"
        for name, data in sorted(content.items())
        if name.endswith(".csv.gz")
        for line in gzip.decompress(data).decode().splitlines()[1:]
    ]
    header = "session,ticker,volume,open,close,high,low,window_start,transactions"
    read = pl.read_csv(
        "\n".join([header, *lines]).encode(), schema_overrides={"ticker": pl.String}, try_parse_dates=True
    )
    return read.select(pl.col(name).cast(dtype) for name, dtype in DAILY_BARS.columns.items())


def told(content: dict[str, bytes]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the vendor's splits and dividends in the columns of their tables."""
    splits = [
        {"ticker": row["ticker"], "execution_date": date.fromisoformat(row["execution_date"])}
        | {side: float(row[side]) for side in ("split_from", "split_to")}
        for row in json.loads(content["splits.json"])["results"]
    ]
    dividends = [
        {"ticker": row["ticker"], "ex_dividend_date": date.fromisoformat(row["ex_dividend_date"])}
        | {"cash_amount": float(row["cash_amount"]), "currency": "USD", "frequency": 4}
        for row in json.loads(content["dividends.json"])["results"]
    ]
    return pl.DataFrame(splits, schema=SPLITS.columns), pl.DataFrame(dividends, schema=DIVIDENDS.columns)


def test_nothing_is_doubted_in_9499_ticker_days(bars, content):
    assert len(bars) == 9_499
    assert price_doubts(bars, *told(content), NO_LISTINGS, sessions=SESSIONS, since=SESSIONS[0]).is_empty()


def test_the_split_of_apple_is_found_if_the_vendor_does_not_tell_it(bars, content):
    splits, dividends = told(content)
    found = price_doubts(bars, splits.clear(), dividends, NO_LISTINGS, sessions=SESSIONS, since=SESSIONS[0])
    assert found.select("ticker", "kind", "reading").rows() == [
        ("AAPL", "split_missing", "2:1 split on 2005-02-28, not told by the vendor")
    ]
