"""The key figures on top of a ticker's page: its last bar and indicators, under their common names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.market.prices.tolerance import SAME
from pipeline.reports.figures import (
    compact,
    distance,
    dollars,
    fixed,
    indicator_digits,
    percent,
    price,
    rsi_shown,
    signed,
    tone,
)

KEY_COLUMNS = (
    *("open", "high", "low", "close", "volume", "relative_volume", "dollar_volume_20"),
    *("return_1", "return_5", "return_20", "return_60", "return_252"),
    *("sma_20", "sma_50", "sma_200", "rsi_14", "macd_histogram", "atr_14"),
    *("high_252", "low_252", "support", "resistance"),
)
"""Columns of bars and indicators that the key figures use."""


@dataclass(frozen=True)
class Figure:
    """One figure: its name, the number as text, and a comparison with the close or the average."""

    label: str
    text: str
    detail: str = ""
    tone: str = "flat"
    """`up`, `down` or `flat`: of the detail, or of the text when there is none."""


def key_figures(bar: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the figures of a bar with its indicators; empty when `bar` is empty."""
    if not bar:
        return ()
    close = bar["close"]
    range_ = distance(bar["high"], bar["low"])
    histogram = _without_noise(bar["macd_histogram"], close)
    return (
        Figure("Open", price(bar["open"])),
        Figure("High", price(bar["high"])),
        Figure("Low", price(bar["low"])),
        Figure("Day's range", percent(range_).lstrip("+")),
        Figure("Volume", compact(bar["volume"]), _times(bar["relative_volume"])),
        Figure("$ volume, median", dollars(bar["dollar_volume_20"])),
        Figure("ATR 14", price(bar["atr_14"]), _share(bar["atr_14"], close)),
        Figure("RSI 14", fixed(rsi_shown(bar["rsi_14"], close, bar["sma_20"]), 1)),
        Figure("MACD histogram", signed(histogram, indicator_digits(close)), "", tone(histogram)),
        *(_change(f"{days}-day return", bar[f"return_{days}"]) for days in (5, 20, 60, 252)),
        *(_level(f"SMA {days}", close, bar[f"sma_{days}"]) for days in (20, 50, 200)),
        _level("52-week high", close, bar["high_252"]),
        _level("52-week low", close, bar["low_252"]),
        _level("Support", close, bar["support"]),
        _level("Resistance", close, bar["resistance"]),
    )


def _without_noise(number: float | None, price: float) -> float | None:
    """Return a number in the unit of a price, 0 when it is only rounding."""
    return 0.0 if number is not None and abs(number) <= SAME * price else number


def _change(label: str, share: float | None) -> Figure:
    return Figure(label, percent(share), "", tone(share))


def _level(label: str, close: float, level: float | None) -> Figure:
    """Return a price, and how far the close lies above or below it."""
    away = distance(close, level)
    return Figure(label, price(level), "" if away is None else percent(away), tone(away))


def _times(share: float | None) -> str:
    return "" if share is None else f"{fixed(share)} × avg"


def _share(part: float | None, whole: float) -> str:
    return "" if part is None else percent(part / whole).lstrip("+")
