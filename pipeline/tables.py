"""Every table of the lake, in the order of the journey."""

from collections.abc import Mapping
from functools import cache

from pipeline.contracts.aggregates import AGGREGATES
from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.deliveries import MINUTE_DELIVERIES
from pipeline.contracts.minutes import INTRADAY_FEATURES, MINUTE_BARS
from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES, MODEL_SCORES, SESSION_SCORES
from pipeline.contracts.portfolio import POSITION_MARKS, POSITIONS, SIGNALS
from pipeline.contracts.quarantine import MINUTE_QUARANTINE
from pipeline.contracts.reference import REFERENCE_TABLES
from pipeline.contracts.split_rulings import SPLIT_RULINGS
from pipeline.contracts.table import Table
from pipeline.market.market import Market

OUTCOME_TABLES = (CANDIDATE_OUTCOMES, SESSION_SCORES, MODEL_SCORES)
"""Tables of the candidates' outcomes in later sessions."""

PORTFOLIO_TABLES = (POSITIONS, POSITION_MARKS, SIGNALS)
"""The portfolio: positions recorded by hand, then valued by the daily job."""

MINUTE_TABLES = (MINUTE_BARS, MINUTE_QUARANTINE, MINUTE_DELIVERIES, INTRADAY_FEATURES)
"""Tables that the minutes job writes for each session."""


def every_table(stocks: Market) -> tuple[Table, ...]:
    """Return all tables of US stocks; reference data, rulings, positions and model scores are refreshed in full."""
    beside = (*MINUTE_TABLES, AGGREGATES, *PORTFOLIO_TABLES, *OUTCOME_TABLES, ALERTS)
    return (*REFERENCE_TABLES, SPLIT_RULINGS, *stocks.by_day, *beside)


@cache
def contracts(stocks: Market) -> Mapping[str, Table]:
    """Return all tables by `market/name`."""
    return {table.path: table for table in every_table(stocks)}
