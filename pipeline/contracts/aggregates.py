"""`stocks/aggregates`: day bars of chosen tickers from the REST API, as traded and adjusted for splits."""

import math

import pandera.polars as pa
import polars as pl

from pipeline.contracts.bars import DailyBar
from pipeline.contracts.table import Table
from pipeline.venues.us_stocks import US_STOCKS

BASES = {
    "none": "as traded",
    "split": "adjusted by the vendor for every split up to `fetched_on`",
}
"""The share basis of prices and volume: code to meaning."""


class Aggregate(DailyBar):
    """A day's trading in one ticker, on one basis."""

    open: float = pa.Field(gt=0, description="First price, USD, on the row's basis.")
    high: float = pa.Field(gt=0, lt=math.inf, description="Highest price, USD, on the row's basis.")
    low: float = pa.Field(gt=0, description="Lowest price, USD, on the row's basis.")
    close: float = pa.Field(gt=0, description="Last price, USD, on the row's basis.")
    volume: float = pa.Field(ge=0, lt=2.0**53, description="Shares traded, on the row's basis; may be fractional.")
    basis: str = pa.Field(
        isin=list(BASES), description=", ".join(f"{code}: {meaning}" for code, meaning in BASES.items()) + "."
    )
    fetched_on: pl.Date = pa.Field(description="Day (New York) on which the vendor was asked.")


AGGREGATES = Table(
    venue=US_STOCKS,
    name="aggregates",
    schema=Aggregate.to_schema(),
    key=("ticker", "session", "basis"),
    description="Daily bars of CANDLELAKE_TICKERS from the REST API, as traded and on the vendor's split basis.",
    may_be_empty=True,
)
