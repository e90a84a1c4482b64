"""Random walks of single tickers with an event in them, and what the vendor tells of it."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.reference import DIVIDENDS, SPLITS
from pipeline.market.prices.doubts import price_doubts
from pipeline.market.prices.point_in_time import NO_LISTINGS
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(date(2024, 1, 2), date(2024, 12, 31))
EVENT = 150
"""Number of the session of most events."""
DAY = SESSIONS[EVENT]

Jumps = Mapping[int, tuple[float, float]]
"""Number of a session to the factors of the price before it opens, and of the shares traded from then on."""


def walk(
    ticker: str = "X",
    *,
    first: float = 50.0,
    volatility: float = 0.012,
    shares: float = 1e6,
    jumps: Jumps | None = None,
    busy: Mapping[int, float] | None = None,
    without: range = range(0),
    seed: int = 1,
) -> pl.DataFrame:
    """Return the bars of a ticker over SESSIONS: normal returns, a third of each overnight, lognormal volume.

    `busy` multiplies the shares of single sessions; `without` are sessions without a bar.
    """
    random, price, rows = np.random.default_rng(seed), first, []
    for number, session in enumerate(SESSIONS):
        factor, traded = (jumps or {}).get(number, (1.0, 1.0))
        price, shares = price * factor, shares * traded
        steps, reach = random.normal(0, volatility, 2), np.abs(random.normal(0, volatility / 3, 2))
        opened, closed = price * np.exp(steps[0] / 3), price * np.exp(steps[1])
        volume = float(np.floor(shares * (busy or {}).get(number, 1.0) * np.exp(random.normal(0, 0.25))))
        digits = 2 if price >= 1 else 4
        opened, closed, high, low = (
            round(float(value), digits)
            for value in (opened, closed, max(opened, closed) * (1 + reach[0]), min(opened, closed) * (1 - reach[1]))
        )
        price = closed
        if number not in without:
            rows.append((ticker, session, opened, high, low, closed, volume, max(int(volume / 150), 1)))
    return pl.DataFrame(rows, schema=DAILY_BARS.columns, orient="row")


def changed(bars: pl.DataFrame, number: int, **values: float) -> pl.DataFrame:
    """Return `bars` with other values in one session; high and low follow if open or close lie beyond them."""
    at = pl.col("session") == SESSIONS[number]
    there = bars.with_columns(
        pl.when(at).then(pl.lit(value)).otherwise(name).alias(name) for name, value in values.items()
    )
    prices = ("open", "high", "low", "close")
    return there.with_columns(high=pl.max_horizontal(prices), low=pl.min_horizontal(prices))


def value(bars: pl.DataFrame, number: int, name: str) -> float:
    """Return one value of a session."""
    return bars.filter(pl.col("session") == SESSIONS[number])[name].item()


def told(*splits: tuple[int, float, float], ticker: str = "X", **others: object) -> pl.DataFrame:
    """Return rows of `reference/splits`: number of the session, old shares, new shares."""
    rows = [
        {"ticker": ticker, "execution_date": SESSIONS[at], "split_from": float(old), "split_to": float(new), **others}
        for at, old, new in splits
    ]
    return pl.DataFrame(rows, schema=SPLITS.columns)


def paid(*dividends: tuple[int, float], ticker: str = "X", **others: object) -> pl.DataFrame:
    """Return rows of `reference/dividends`: number of the ex-date's session, USD."""
    usual = {"currency": "USD", "frequency": 4, "distribution_type": "recurring"}
    rows = [
        {"ticker": ticker, "ex_dividend_date": SESSIONS[at], "cash_amount": amount, **usual, **others}
        for at, amount in dividends
    ]
    return pl.DataFrame(rows, schema=DIVIDENDS.columns)


def doubts(
    bars: pl.DataFrame,
    splits: pl.DataFrame | None = None,
    dividends: pl.DataFrame | None = None,
    listed: pl.DataFrame = NO_LISTINGS,
    *,
    sessions: tuple[date, ...] = SESSIONS,
    since: date | None = None,
) -> pl.DataFrame:
    """Return the doubts about these bars, of all sessions unless told otherwise."""
    given = (SPLITS.empty() if splits is None else splits, DIVIDENDS.empty() if dividends is None else dividends)
    return price_doubts(bars, *given, listed, sessions=sessions, since=since or sessions[0])


def only(found: pl.DataFrame) -> dict:
    """Return the one row there must be."""
    assert len(found) == 1, found.select("session", "kind", "event_date", "reading").rows()
    return found.row(0, named=True)
