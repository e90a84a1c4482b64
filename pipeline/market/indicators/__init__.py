"""Indicators of daily bars: declared in `catalogue`, computed by `indicators`, stored in `stocks/indicators`.

A new indicator is one declaration; docs/indicators.md shows how. Importing this package loads no compiled code.
"""

from pipeline.contracts.indicators import IndicatorColumn
from pipeline.market.indicators.declaration import Indicator, expressed

# isort: split
# After `expressed` and the column class: a declaration pasted into the catalogue may import them from here.
from pipeline.market.indicators.catalogue import INDICATORS
from pipeline.market.indicators.compute import indicators

__all__ = [
    "INDICATORS",
    "Indicator",
    "IndicatorColumn",
    "expressed",
    "indicators",
]
