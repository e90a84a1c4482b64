"""The table's contract and the longest look-back, derived from the declared indicators."""

from pipeline.contracts.indicators import indicators_table
from pipeline.market.indicators.catalogue import INDICATORS

LOOKBACK_SESSIONS: int = max(indicator.lookback for indicator in INDICATORS)
"""Sessions in the window of a bar, its own included: a value depends on the ticker's bars in these sessions only."""

INDICATORS_TABLE = indicators_table([column for indicator in INDICATORS for column in indicator.columns])
"""The table's contract."""
