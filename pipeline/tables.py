"""Every table of the lake, in the order of the journey."""

from pipeline.contracts.aggregates import AGGREGATES
from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES, MINUTE_DELIVERIES
from pipeline.contracts.minutes import INTRADAY_FEATURES, MINUTE_BARS
from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES, MODEL_SCORES, SESSION_SCORES
from pipeline.contracts.portfolio import POSITION_MARKS, POSITIONS, SIGNALS
from pipeline.contracts.quarantine import MINUTE_QUARANTINE, QUARANTINE
from pipeline.contracts.reference import REFERENCE_TABLES
from pipeline.market.indicators import INDICATORS_TABLE

TABLES = (DAILY_BARS, QUARANTINE, DELIVERIES, INDICATORS_TABLE, CANDIDATES)
"""Tables that the daily job writes for each session."""

OUTCOME_TABLES = (CANDIDATE_OUTCOMES, SESSION_SCORES, MODEL_SCORES)
"""Tables of the candidates' outcomes in later sessions."""

PORTFOLIO_TABLES = (POSITIONS, POSITION_MARKS, SIGNALS)
"""The portfolio: positions recorded by hand, then valued by the daily job."""

MINUTE_TABLES = (MINUTE_BARS, MINUTE_QUARANTINE, MINUTE_DELIVERIES, INTRADAY_FEATURES)
"""Tables that the minutes job writes for each session."""

EVERY_TABLE = (*REFERENCE_TABLES, *TABLES, *MINUTE_TABLES, AGGREGATES, *PORTFOLIO_TABLES, *OUTCOME_TABLES, ALERTS)
"""All tables; reference data, positions and model scores have no sessions and are refreshed in full."""

CONTRACTS = {table.path: table for table in EVERY_TABLE}
"""By `market/name`."""
