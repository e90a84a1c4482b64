"""Doubts about prices: jumps held against the vendor's splits and dividends, and these against the jumps. Pure."""

from pipeline.market.prices.doubts.judge import LOOKBACK, price_doubts

__all__ = ["LOOKBACK", "price_doubts"]
