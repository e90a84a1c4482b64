"""The declarations that candlelake ships."""

from pipeline.market.declarations import Declarations
from pipeline.market.indicators.catalogue import INDICATORS
from pipeline.market.portfolio.sell.rules import RULES
from pipeline.market.screen.models import MODELS

BUILT_IN = Declarations(INDICATORS, MODELS, RULES)
