"""Models of the tests: their lists stay as they are when the product ships another model, indicator or rule."""

from collections.abc import Sequence

import polars as pl
import pytest

from assets_tests.market.screen.panels import factor
from assets_tests.stocks import declare, declaring
from pipeline.market.market import market_of
from pipeline.market.prices.tolerance import above
from pipeline.market.screen.model import Model, Universe
from pipeline.venues.us_stocks import US_STOCKS

STRONG = Model(
    name="strong",
    version=3,
    description="Stocks that rose over a year and over three months, and trade calmly.",
    universe=Universe(),
    factors=(
        (factor("year", "return_252"), 0.5),
        (factor("three_months", "return_60"), 0.3),
        (factor("volume", "relative_volume"), -0.2),
    ),
)

DIPS = Model(
    name="dips",
    version=2,
    description="Stocks above their long average that fell for some days.",
    universe=Universe(conditions=(above(pl.col("close"), pl.col("sma_200")), pl.col("rsi_14") < 50)),
    factors=((factor("week", "return_5"), -1.0),),
)

OWN = (STRONG, DIPS)
"""In another order than that of their names."""

OWN_MARKET = market_of(US_STOCKS, declaring(models=OWN))
"""US stocks with these models alone."""


def rank_by(models: Sequence[Model], patched: pytest.MonkeyPatch) -> None:
    """Make the assets rank by these models, and show them, instead of the shipped ones."""
    declare(patched, declaring(models=tuple(models)))
