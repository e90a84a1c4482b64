"""Bars written down by their prices, and series of prices that try an indicator hard."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

SESSIONS = tuple(date(2020, 1, 1) + timedelta(days=k) for k in range(1500))
"""A made-up exchange that trades every day: sessions are what the calendar says they are."""

SCHEMA = {
    "ticker": pl.String,
    "session": pl.Date,
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume": pl.Float64,
    "transactions": pl.Int64,
}


def tape(
    close: Sequence[float],
    *,
    ticker: str = "A",
    at: Sequence[int] | None = None,
    open_: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    low: Sequence[float] | None = None,
    volume: Sequence[float] | None = None,
) -> pl.DataFrame:
    """Return bars of one ticker on the sessions number `at` (one after another when not given).

    Opens are the closes, highs and lows what open and close reach, volumes 100, where not given.
    """
    close = [float(c) for c in close]
    opens = close if open_ is None else open_
    return pl.DataFrame(
        {
            "ticker": [ticker] * len(close),
            "session": [SESSIONS[k] for k in (range(len(close)) if at is None else at)],
            "open": opens,
            "high": np.maximum(close, opens) if high is None else high,
            "low": np.minimum(close, opens) if low is None else low,
            "close": close,
            "volume": [100.0] * len(close) if volume is None else volume,
            "transactions": [1] * len(close),
        },
        schema=SCHEMA,
    )


def wandering(length: int, *, seed: int, start: float = 50.0, step: float = 0.03) -> np.ndarray:
    """Return a random walk of prices."""
    return start * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, step, length)))


def traded(close: np.ndarray, *, ticker: str, seed: int, at: Sequence[int] | None = None) -> pl.DataFrame:
    """Return bars around the closes with random opens, highs, lows and volumes; some bars without any range."""
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0, 0.03, len(close)) * (rng.random(len(close)) > 0.1)
    opens = close * (1 + spread * rng.uniform(-1, 1, len(close)))
    return tape(
        close,
        ticker=ticker,
        at=at,
        open_=opens,
        high=np.maximum(close, opens) * (1 + spread),
        low=np.minimum(close, opens) * (1 - spread),
        volume=rng.integers(0, 10_000, len(close)).astype(float),
    )


def hard_series(length: int) -> dict[str, np.ndarray]:
    """Return series of prices by name: calm and wild, huge and tiny, constant, frozen, crashing, one-way."""
    walk = wandering(length, seed=1)
    half = length // 2
    return {
        "walk": walk,
        "huge": walk * 1e6,
        "tiny": walk * 1e-6,
        "constant": np.full(length, 12.34),
        "frozen": np.concatenate([walk[:half], np.full(length - half, walk[max(half - 1, 0)])]),
        "crash": np.geomspace(1e5, 1e-2, length) * wandering(length, seed=2, start=1, step=0.01),
        "cliff": np.where(np.arange(length) < half, 1e5, 1e-2) * wandering(length, seed=3, start=1, step=0.02),
        "rising": np.linspace(1, 2, length),
        "falling": np.linspace(2, 1, length),
    }
