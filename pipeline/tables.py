"""Every table of the lake, in the order of the journey."""

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.market.indicators import INDICATORS_TABLE

TABLES = (DAILY_BARS, QUARANTINE, DELIVERIES, INDICATORS_TABLE, CANDIDATES)
