"""The declarations in force for a user's settings."""

from pipeline.market.built_in import BUILT_IN
from pipeline.market.market import Market, market_of
from pipeline.settings import Settings
from pipeline.venues.us_stocks import US_STOCKS


def stocks_of(settings: Settings) -> Market:  # noqa: ARG001 (the user's folder comes next)
    """Return the market of US stocks with the declarations in force."""
    return market_of(US_STOCKS, BUILT_IN)
