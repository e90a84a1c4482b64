"""`stocks/minute_bars`: one valid bar per ticker and minute; `stocks/intraday_features`: their features by session."""

import math
from datetime import time

import pandera.polars as pa
import polars as pl

from pipeline.contracts.bars import DailyBar
from pipeline.contracts.table import BY_SESSION, Table
from pipeline.venues.us_stocks import US_STOCKS

_INSTANT = pl.Datetime("us", "UTC")
_MICROSECONDS = 60_000_000
_OPENING = "first 30 minutes of regular hours"
_AUCTION = "volume of regular hours and of the minute that starts at the close"


def _in_utc(days: pl.Expr, moment: time) -> pl.Expr:
    zone = US_STOCKS.zone.key
    return days.dt.combine(moment).dt.replace_time_zone(zone).dt.convert_time_zone("UTC")


class MinuteBar(DailyBar):
    """A minute's trading in one ticker; a minute without an eligible trade has no row."""

    minute: pl.Datetime("us", "UTC") = pa.Field(  # type: ignore[valid-type]
        description="Start of the minute, UTC; 04:00 to 20:00 in New York, so that its UTC date can be the next day."
    )

    @pa.dataframe_check(name="minute_is_one_of_its_session")
    def _minute_in_session(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        # Time zones are converted once per session: for every row it would take longer than all other checks.
        days = pl.col("session").unique(maintain_order=True)
        first, last = (
            pl.col("session").replace_strict(days, _in_utc(days, moment), default=None, return_dtype=_INSTANT)
            for moment in (US_STOCKS.hours.first, US_STOCKS.hours.last)
        )
        is_whole = (pl.col("minute") - first).dt.total_microseconds() % _MICROSECONDS == 0
        return data.lazyframe.select(is_whole & pl.col("minute").is_between(first, last))


MINUTE_BARS = Table(
    venue=US_STOCKS,
    name="minute_bars",
    schema=MinuteBar.to_schema(),
    key=("ticker", "session", "minute"),
    description="Validated, deduplicated minute bars: exactly one row per ticker and minute, prices as traded.",
    layout=BY_SESSION,
)


class IntradayFeatures(pa.DataFrameModel):
    """Features of a ticker's minutes in a session. Prices and shares as traded, on the session's own basis.

    Regular hours are the minutes from 09:30 New York to before the close, which is 16:00, or 13:00 on early closes.
    """

    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker as the vendor writes it; case matters.")
    session: pl.Date = pa.Field(description="Day of trading on the New York Stock Exchange.")
    vwap: float = pa.Field(
        gt=0,
        lt=math.inf,
        nullable=True,
        description="Sum of volume * (high + low + close) / 3 over the minutes of regular hours, by the sum of volume, "
        "USD as traded; null without volume.",
    )
    opening_range_high: float = pa.Field(
        ge=0,
        lt=math.inf,
        nullable=True,
        description=f"Highest high of the {_OPENING} by the open of the first minute traded in them, less 1; null "
        "when none traded.",
    )
    opening_range_low: float = pa.Field(
        ge=-1,
        le=0,
        nullable=True,
        description=f"Lowest low of the {_OPENING} by the open of the first minute traded in them, less 1; null when "
        "none traded.",
    )
    premarket_gap: float = pa.Field(
        gt=-1,
        lt=math.inf,
        nullable=True,
        description="Close of the last minute traded before 09:30 by the daily close of the session before (times "
        "split_from / split_to of splits executed since), less 1; null without either.",
    )
    premarket_volume: float = pa.Field(ge=0, description="Shares traded in the minutes before 09:30.")
    realised_volatility: float = pa.Field(
        ge=0,
        lt=math.inf,
        nullable=True,
        description="Square root of the sum of squared log returns over the 5-minute intervals of regular hours, each "
        "from the last close before it (the first from the open of its first minute) to its last close; an interval "
        "without trades adds nothing. Not annualised; null when fewer than two intervals traded.",
    )
    close_auction_share: float = pa.Field(
        ge=0,
        le=1,
        nullable=True,
        description="Volume of the minute that starts at the close, into which the closing auction falls, by "
        f"{_AUCTION}; null without volume.",
    )
    last_minute_share: float = pa.Field(
        ge=0,
        le=1,
        nullable=True,
        description=f"Volume of the last minute of regular hours by {_AUCTION}; null without volume.",
    )


INTRADAY_FEATURES = Table(
    venue=US_STOCKS,
    name="intraday_features",
    schema=IntradayFeatures.to_schema(),
    key=("ticker", "session"),
    description="What the minutes of a session say of each ticker: VWAP, opening range, gap, volatility, auction.",
)
