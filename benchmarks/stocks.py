"""US stocks as candlelake ships them: what the benchmarks measure."""

from functools import partial

from pipeline.market.built_in import BUILT_IN
from pipeline.market.indicators import indicators as _indicators
from pipeline.market.market import market_of
from pipeline.market.prices.point_in_time import point_in_time_indicators as _point_in_time
from pipeline.market.screen.known import with_reference as _with_reference
from pipeline.venues.us_stocks import US_STOCKS

STOCKS = market_of(US_STOCKS, BUILT_IN)
INDICATORS_TABLE, LOOKBACK_SESSIONS, TABLES = STOCKS.indicators, STOCKS.lookback, STOCKS.by_day
indicators = partial(_indicators, declared=BUILT_IN.indicators, lookback=LOOKBACK_SESSIONS)
point_in_time_indicators = partial(_point_in_time, declared=BUILT_IN.indicators, lookback=LOOKBACK_SESSIONS)
with_reference = partial(_with_reference, lookback=LOOKBACK_SESSIONS)
