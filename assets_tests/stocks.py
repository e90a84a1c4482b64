"""US stocks as candlelake ships them: the market, its tables, and the code that computes them."""

from collections.abc import Mapping
from functools import partial

import pytest

from pipeline.contracts.indicators import indicators_table as _indicators_table
from pipeline.contracts.table import Table
from pipeline.market import computed
from pipeline.market.built_in import BUILT_IN
from pipeline.market.declarations import Declarations
from pipeline.market.indicators import indicators as _indicators
from pipeline.market.market import market_of
from pipeline.market.portfolio.sell.rule import Rule
from pipeline.market.prices.point_in_time import in_doubt as _in_doubt
from pipeline.market.prices.point_in_time import point_in_time_indicators as _point_in_time
from pipeline.market.screen.known import with_reference as _with_reference
from pipeline.market.screen.model import Model
from pipeline.tables import contracts, every_table
from pipeline.venues.us_stocks import US_STOCKS

STOCKS = market_of(US_STOCKS, BUILT_IN)
INDICATORS_TABLE, LOOKBACK_SESSIONS = STOCKS.indicators, STOCKS.lookback
TABLES, EVERY_TABLE, CONTRACTS = STOCKS.by_day, every_table(STOCKS), contracts(STOCKS)
COMPUTED = computed.computations(STOCKS)


def computed_by(table: Table) -> Mapping[str, str]:
    """Return the fingerprints of the code that computes a table."""
    return computed.computed_by(STOCKS, table)


def code_version(table: Table) -> str | None:
    """Return one fingerprint of that code."""
    return computed.code_version(STOCKS, table)


indicators = partial(_indicators, declared=BUILT_IN.indicators, lookback=LOOKBACK_SESSIONS)
point_in_time_indicators = partial(_point_in_time, declared=BUILT_IN.indicators, lookback=LOOKBACK_SESSIONS)
in_doubt, with_reference = (partial(function, lookback=LOOKBACK_SESSIONS) for function in (_in_doubt, _with_reference))
indicators_table = partial(_indicators_table, US_STOCKS)


def declaring(models: tuple[Model, ...] = BUILT_IN.models, rules: tuple[Rule, ...] = BUILT_IN.rules) -> Declarations:
    """Return declarations with these models and rules in place of those that are shipped."""
    key = tuple(map(id, (*models, *rules)))
    return _DECLARED.setdefault(key, Declarations(BUILT_IN.indicators, models, rules))


_DECLARED: dict[tuple[int, ...], Declarations] = {}
"""One value for the same models and rules, so that the assets over them are built once."""


def declare(patched: pytest.MonkeyPatch, declarations: Declarations) -> None:
    """Let commands and jobs of this process find these declarations in place of those that are shipped."""
    patched.setattr("pipeline.mine.in_force.BUILT_IN", declarations)
