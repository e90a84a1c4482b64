"""The listings that follow from the lake's tickers and renames."""

import polars as pl

from pipeline.contracts.reference import TICKER_EVENTS, TICKERS
from pipeline.lake.lake import Lake
from pipeline.market.securities.listings import listings


def known_listings(lake: Lake) -> pl.DataFrame:
    """Return the listings that are known now, in the columns of `listings.LISTING`; none without reference data."""
    return listings(lake.read(TICKERS).rows.collect(), lake.read(TICKER_EVENTS).rows.collect())
