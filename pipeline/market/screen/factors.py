"""The factors that models weigh. Each compares tickers by one figure of the session, independent of the price."""

import polars as pl

from pipeline.market.prices.tolerance import closes_moved, relative, without_noise
from pipeline.market.screen.model import Factor
from pipeline.market.screen.wording import (
    ABOVE,
    BELOW,
    VALUE,
    above_or_below,
    decimal,
    is_shown_as_nothing,
    percent,
    up_or_down,
    whole,
)

ELEVEN_MONTHS = Factor(
    name="momentum_12_1",
    # close 20 bars ago ÷ close 252 bars ago − 1: the last month tends to reverse, so it is left out.
    value=relative(1 + pl.col("return_252"), 1 + pl.col("return_20")),
    high=pl.format("{} in eleven months, the last month left out, stronger than {}", up_or_down(VALUE), ABOVE),
    low=pl.format("{} in eleven months, the last month left out, weaker than {}", up_or_down(VALUE), BELOW),
)

THREE_MONTHS = Factor(
    name="momentum_60",
    value=without_noise(pl.col("return_60")),
    high=pl.format("{} in 60 days, stronger than {}", up_or_down(VALUE), ABOVE),
    low=pl.format("{} in 60 days, weaker than {}", up_or_down(VALUE), BELOW),
)

LAST_WEEK = Factor(
    name="return_5",
    value=without_noise(pl.col("return_5")),
    high=pl.format("{} in 5 days, stronger than {}", up_or_down(VALUE), ABOVE),
    low=pl.format("{} in 5 days, weaker than {}", up_or_down(VALUE), BELOW),
)

UPTREND = Factor(
    name="uptrend",
    value=relative(pl.col("sma_50"), pl.col("sma_200")),
    high=pl.format("its 50-day average lies {} its 200-day average, higher than at {}", above_or_below(VALUE), ABOVE),
    low=pl.format("its 50-day average lies {} its 200-day average, lower than at {}", above_or_below(VALUE), BELOW),
)

NEAR_HIGH = Factor(
    name="near_high",
    value=relative(pl.col("close"), pl.col("high_252")),
    high=pl.when(VALUE > -0.0005)
    .then(pl.lit("closes at its 52-week high"))
    .otherwise(pl.format("closes {} its 52-week high, nearer to it than {}", above_or_below(VALUE), ABOVE)),
    low=pl.format("closes {} its 52-week high, further from it than {}", above_or_below(VALUE), BELOW),
)

_STEADY = pl.when(is_shown_as_nothing(VALUE, 2)).then(pl.lit("neither speeding up nor slowing down"))

ACCELERATION = Factor(
    name="macd_acceleration",
    # The signal line is an EMA over 9 of the MACD, so the histogram is exactly 4 × the signal line's change today.
    value=without_noise(pl.col("macd_histogram") / pl.col("close")),
    high=pl.format(
        "its trend is {} (MACD histogram {} of the price, higher than at {})",
        _STEADY.when(VALUE > 0).then(pl.lit("speeding up")).otherwise(pl.lit("losing little speed")),
        percent(VALUE, 2),
        ABOVE,
    ),
    low=pl.format(
        "its trend is {} (MACD histogram {} of the price, lower than at {})",
        _STEADY.when(VALUE < 0).then(pl.lit("slowing down")).otherwise(pl.lit("gaining little speed")),
        percent(VALUE, 2),
        BELOW,
    ),
)

VOLATILITY = Factor(
    name="volatility",
    value=without_noise(pl.col("atr_14") / pl.col("close")),
    high=pl.format("volatile: an average day spans {} of the price, more than at {}", percent(VALUE), ABOVE),
    low=pl.format("calm: an average day spans {} of the price, less than at {}", percent(VALUE), BELOW),
)

WASHED_OUT_RSI = 40
"""In an uptrend the RSI seldom leaves 40 … 80; below 40 the selling is unusual."""

RSI = Factor(
    name="rsi_14",
    # TA-Lib gives 0 for a price without movement, which does not mean that it was washed out.
    value=pl.when(closes_moved().fill_null(value=True)).then("rsi_14"),
    high=pl.format("RSI {}, higher than at {}", decimal(VALUE, 1), ABOVE),
    low=pl.format(
        "RSI {}: {} within an uptrend",
        whole(VALUE),
        pl.when(VALUE.round() < WASHED_OUT_RSI).then(pl.lit("washed out")).otherwise(pl.lit("cooled off")),
    ),
)

ABOVE_VWAP = Factor(
    name="above_vwap",
    value=relative(pl.col("close"), pl.col("vwap")),
    high=pl.format("closes {} its average price of the day (VWAP), higher than {}", above_or_below(VALUE), ABOVE),
    low=pl.format("closes {} its average price of the day (VWAP), lower than {}", above_or_below(VALUE), BELOW),
)

PREMARKET_GAP = Factor(
    name="premarket_gap",
    value=without_noise(pl.col("premarket_gap")),
    high=pl.format("{} before the open against the day before, more than {}", up_or_down(VALUE), ABOVE),
    low=pl.format("{} before the open against the day before, less than {}", up_or_down(VALUE), BELOW),
)

CLOSING_AUCTION = Factor(
    name="close_auction_share",
    value=pl.col("close_auction_share"),
    high=pl.format("the minute of the closing auction took {} of its volume, more than at {}", percent(VALUE), ABOVE),
    low=pl.format("the minute of the closing auction took {} of its volume, less than at {}", percent(VALUE), BELOW),
)

REALISED_VOLATILITY = Factor(
    name="realised_volatility",
    value=without_noise(pl.col("realised_volatility")),
    high=pl.format("restless within the day: a realised volatility of {}, more than {}", percent(VALUE), ABOVE),
    low=pl.format("steady within the day: a realised volatility of {}, less than {}", percent(VALUE), BELOW),
)
