"""The indicators of the table `stocks/indicators`, in the order of its columns. Change or add one here."""

from pipeline.market.indicators.declaration import Indicator
from pipeline.market.indicators.families import (
    bars_held,
    bollinger_bands,
    candle_body,
    dollar_volume,
    exponential_average,
    extremes,
    macd,
    relative_strength,
    sequential_setup,
    simple_average,
    simple_return,
    swings,
    true_range,
    volume_average,
)

INDICATORS: tuple[Indicator, ...] = (
    *(simple_average(n) for n in (20, 50, 200)),
    *(exponential_average(n) for n in (12, 26)),
    macd(fast=12, slow=26, signal=9),
    relative_strength(14),
    true_range(14),
    bollinger_bands(20, width=2),
    candle_body(),
    *(simple_return(n) for n in (1, 5, 20, 60, 252)),
    extremes(252),
    volume_average(20),
    dollar_volume(20),
    sequential_setup(),
    swings(k=5, n=252),
    bars_held(),
)
