"""The models that rank each session. To add a model, add it to MODELS."""

import polars as pl

from pipeline.market.prices.tolerance import above, below
from pipeline.market.screen.factors import (
    ABOVE_VWAP,
    ACCELERATION,
    CLOSING_AUCTION,
    ELEVEN_MONTHS,
    LAST_WEEK,
    NEAR_HIGH,
    PREMARKET_GAP,
    REALISED_VOLATILITY,
    RSI,
    THREE_MONTHS,
    UPTREND,
    VOLATILITY,
)
from pipeline.market.screen.model import Model, Universe

TREND = Model(
    name="trend",
    version=1,
    description="Stocks that have risen steadily, near their highs and still gaining speed, without wild swings.",
    universe=Universe(min_bars=253),
    factors=(
        (ELEVEN_MONTHS, 0.25),
        (THREE_MONTHS, 0.20),
        (UPTREND, 0.15),
        (NEAR_HIGH, 0.10),
        (ACCELERATION, 0.10),
        (VOLATILITY, -0.20),
    ),
)

PULLBACK = Model(
    name="pullback",
    version=2,
    description="Stocks in an uptrend that were sold off in the short run: a washed-out RSI above a rising base.",
    universe=Universe(
        min_bars=253,
        conditions=(
            above(pl.col("close"), pl.col("sma_200")),
            above(pl.col("sma_50"), pl.col("sma_200")),
            below(RSI.value, pl.lit(50.0)),
        ),
    ),
    factors=(
        (RSI, -0.35),
        (LAST_WEEK, -0.15),
        (UPTREND, 0.20),
        (NEAR_HIGH, 0.10),
        (VOLATILITY, -0.20),
    ),
)

STRONG_CLOSE = Model(
    name="strong_close",
    version=2,
    description="Stocks in an uptrend that were bought through the day and into its close, without wild swings.",
    universe=Universe(min_bars=253, conditions=(above(pl.col("close"), pl.col("sma_200")),)),
    factors=(
        (ABOVE_VWAP, 0.35),
        (PREMARKET_GAP, 0.15),
        (CLOSING_AUCTION, 0.10),
        (UPTREND, 0.20),
        (REALISED_VOLATILITY, -0.20),
    ),
)
"""Needs the minutes of each session, which the daily job does not fetch: add it to MODELS if you load minutes."""

MODELS: tuple[Model, ...] = (TREND, PULLBACK)
"""The models that rank."""
