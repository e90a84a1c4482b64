"""A second implementation, one window at a time, as plainly as the definitions read."""

import math
import statistics
from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import polars as pl

Row = dict[str, float | int | bool | None]


def by_window(bars: pl.DataFrame, sessions: Sequence[date], lookback: int, parameters: dict) -> list[Row]:
    """Return a row per bar, by ticker and session, each computed from the bars of its window and nothing else."""
    place = {session: k for k, session in enumerate(sessions)}
    rows = []
    ordered = bars.sort("ticker", "session").to_dicts()
    for bar in ordered:
        newest = place[bar["session"]]
        window = [
            other
            for other in ordered
            if other["ticker"] == bar["ticker"] and newest - lookback < place[other["session"]] <= newest
        ]
        rows.append({"ticker": bar["ticker"], "session": bar["session"], **values(window, **parameters)})
    return rows


def values(window: list[dict], *, mean, ema, macd, wilder, back, extreme, swing) -> Row:
    opens, high, low, close, volume = (
        [bar[name] for bar in window] for name in ("open", "high", "low", "close", "volume")
    )
    last = bands(close, mean)
    line, signal = macd_of(close, *macd)
    volume_mean = average(volume, mean)
    return {
        f"sma_{mean}": average(close, mean),
        f"ema_{ema}": newest(ema_of(close, ema)),
        "macd": line,
        "macd_signal": signal,
        "macd_histogram": None if signal is None else line - signal,
        f"rsi_{wilder}": rsi_of(close, wilder),
        f"atr_{wilder}": atr_of(high, low, close, wilder),
        "bollinger_upper": last[0],
        "bollinger_middle": last[1],
        "bollinger_lower": last[2],
        "candle_high": max(opens[-1], close[-1]),
        "candle_low": min(opens[-1], close[-1]),
        "candle_mid": (opens[-1] + close[-1]) / 2,
        "candle_color": (close[-1] > opens[-1]) - (close[-1] < opens[-1]),
        f"return_{back}": close[-1] / close[-1 - back] - 1 if len(close) > back else None,
        f"high_{extreme}": max(high[-extreme:]) if len(high) >= extreme else None,
        f"low_{extreme}": min(low[-extreme:]) if len(low) >= extreme else None,
        f"volume_sma_{mean}": volume_mean,
        "relative_volume": volume[-1] / volume_mean if volume_mean else None,
        f"dollar_volume_{mean}": statistics.median([c * v for c, v in zip(close, volume, strict=True)][-mean:])
        if len(close) >= mean
        else None,
        **td_of(high, low, close),
        **swings_of(high, low, close, *swing),
        "bars": len(window),
    }


def newest(series: list[float]) -> float | None:
    return series[-1] if series else None


def average(x: list[float], n: int) -> float | None:
    return math.fsum(x[-n:]) / n if len(x) >= n else None


def bands(x: list[float], n: int) -> tuple[float | None, float | None, float | None]:
    if len(x) < n:
        return None, None, None
    middle, reach = average(x, n), 2 * statistics.pstdev(x[-n:])
    return middle + reach, middle, middle - reach


def smoothed(x: list[float], n: int, new: float) -> list[float]:
    """Return the average from the n-th value on."""
    if len(x) < n:
        return []
    series = [math.fsum(x[:n]) / n]
    for value in x[n:]:
        series.append((1 - new) * series[-1] + new * value)
    return series


def ema_of(x: list[float], n: int) -> list[float]:
    return smoothed(x, n, 2 / (n + 1))


def macd_of(close: list[float], fast: int, slow: int, signal: int) -> tuple[float | None, float | None]:
    slower = ema_of(close, slow)
    line = [f - s for f, s in zip(ema_of(close, fast)[slow - fast :], slower, strict=True)]
    return newest(line), newest(ema_of(line, signal))


def rsi_of(close: list[float], n: int) -> float | None:
    changes = [b - a for a, b in pairwise(close)]
    gain = newest(smoothed([max(c, 0) for c in changes], n, 1 / n))
    loss = newest(smoothed([max(-c, 0) for c in changes], n, 1 / n))
    if gain is None or loss is None:
        return None
    return 100 * gain / (gain + loss) if gain + loss else 0.0


def atr_of(high: list[float], low: list[float], close: list[float], n: int) -> float | None:
    ranges = [max(h, c) - min(low_, c) for h, low_, c in zip(high[1:], low[1:], close, strict=False)]
    return newest(smoothed(ranges, n, 1 / n))


def td_of(high: list[float], low: list[float], close: list[float]) -> Row:
    if len(close) < 5:
        return {"td_setup": None, "td_perfected": None}
    directions = [(now < then) - (now > then) for then, now in zip(close, close[4:], strict=False)]
    count = 0
    # A run counts from the price flip on, and no further than nine.
    for before, now in pairwise(directions):
        if now == 0:
            count = 0
        elif now != before:
            count = now
        elif count:
            count = count + now if abs(count) < 9 else 0
    perfected = False
    if count == 9:
        perfected = any(bar <= min(low[-3], low[-4]) for bar in low[-2:])
    if count == -9:
        perfected = any(bar >= max(high[-3], high[-4]) for bar in high[-2:])
    return {"td_setup": count, "td_perfected": perfected}


def swings_of(high: list[float], low: list[float], close: list[float], k: int, n: int) -> Row:
    def extremes(x: list[float]) -> list[float]:
        centres = range(max(k, len(x) - n), len(x) - k)
        return [x[j] for j in centres if x[j] < min(x[j - k : j]) and x[j] <= min(x[j + 1 : j + k + 1])]

    lows = [price for price in extremes(low) if price < close[-1]]
    highs = [-price for price in extremes([-price for price in high]) if -price > close[-1]]
    return {"support": max(lows, default=None), "resistance": min(highs, default=None)}
