"""`stocks/daily_bars`: one valid bar per ticker and session, prices as traded."""

import math
from functools import cache

import pandera.polars as pa
import polars as pl

from pipeline.contracts.table import Table
from pipeline.venues.us_stocks import US_STOCKS
from pipeline.venues.venue import Venue


class DailyBar(pa.DataFrameModel):
    """A day's trading in one ticker."""

    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker as the vendor writes it; case matters.")
    session: pl.Date = pa.Field(description="Day of trading on the New York Stock Exchange.")
    open: float = pa.Field(gt=0, description="First price, USD as traded (not adjusted for splits or dividends).")
    high: float = pa.Field(gt=0, lt=math.inf, description="Highest price, USD as traded.")
    low: float = pa.Field(gt=0, description="Lowest price, USD as traded.")
    close: float = pa.Field(gt=0, description="Last price, USD as traded.")
    volume: float = pa.Field(ge=0, lt=2.0**53, description="Shares traded; may be fractional.")
    transactions: pl.Int64 = pa.Field(ge=0, description="Number of trades; 0 where a REST answer does not tell it.")

    @pa.dataframe_check(name="low_open_close_high_in_order")
    def _prices_in_order(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        body_low, body_high = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
        return data.lazyframe.select((pl.col("low") <= body_low) & (body_high <= pl.col("high")))


@cache
def daily_bars(venue: Venue) -> Table:
    """Return the table of a venue."""
    return Table(
        venue=venue,
        name="daily_bars",
        schema=DailyBar.to_schema(),
        key=("ticker", "session"),
        description="Validated, deduplicated daily bars: exactly one row per ticker and session, prices as traded.",
    )


DAILY_BARS = daily_bars(US_STOCKS)
