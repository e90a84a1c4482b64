"""Minute files of a few sessions of the synthetic market: a ticker's regular minutes add up to its daily bar."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipeline.sample.full_market import SEED
from pipeline.sample.laying import Plan, Sample, SampleFile, lay_down
from pipeline.sample.prices import Day, Market, on_tick
from pipeline.sample.universe import draw_universe, stream
from pipeline.sample.vendor_files import HEADER, SIX_DECIMALS_FROM, day_csv, gzipped
from pipeline.sources.port import Dataset, key_of
from pipeline.venues.us_stocks import US_STOCKS

MODEL = 1
"""Raise it with every change of the files."""
MINUTES = 41
"""Stream of random numbers."""
MOST = 120
"""Most regular minutes of a ticker: enough to examine, and small."""
LIQUID = 100
"""Trades per day from which a ticker also trades before the open and in the evening."""
EARLY, LATE = time(9, 15), time(19, 30)
"""Times of these trades; the evening's UTC date is the next day in winter."""
OUTSIDE_VOLUME = 100.0

_MINUTE = 60 * 10**9


def lay_down_minutes(folder: Path, *, sessions: Sequence[date], tickers: int = 60, seed: int = SEED) -> Sample:
    """Return day and minute files of a small synthetic market under `folder`, both for each of `sessions`.

    The same arguments give the same bytes; there are no planted faults and no reference data. Does nothing if it exists
    already. Raises SampleError when the folder has other content or cannot be written.
    """
    days = [session.isoformat() for session in sessions]
    identity = {"sample": "minutes", "model": MODEL, "tickers": tickers, "seed": seed, "sessions": days}
    plan = Plan(identity, tuple(sessions))
    sample = lay_down(folder, plan, _files(plan.sessions, tickers, seed))
    return replace(sample, files=2 * len(sessions))


def _files(sessions: tuple[date, ...], tickers: int, seed: int) -> Iterator[SampleFile]:
    universe = draw_universe(tickers, len(sessions), seed)
    names = pl.Series(universe.ticker, dtype=pl.String)
    market = Market(universe, seed)
    for session in sessions:
        day = market.trade(session)
        random = stream(seed, MINUTES, session.toordinal())
        for dataset, text in (
            (Dataset.DAY_AGGS, day_csv(day, names)),
            (Dataset.MINUTE_AGGS, minute_csv(day, names, random)),
        ):
            yield SampleFile(key_of(dataset, session), gzipped(text.encode()), session)


def minute_csv(day: Day, tickers: pl.Series, random: np.random.Generator) -> str:
    """Return the session's file of minutes as text, in the number format of its date."""
    names = tickers.gather(day.position)
    frames = [_of_ticker(day, number, random).with_columns(ticker=pl.lit(name)) for number, name in enumerate(names)]
    rows = pl.concat(frames).select(HEADER)
    if day.session >= SIX_DECIMALS_FROM:
        return rows.write_csv(float_precision=6)
    return rows.with_columns(pl.col("volume").cast(pl.Int64)).write_csv(float_scientific=False)


def _of_ticker(day: Day, number: int, random: np.random.Generator) -> pl.DataFrame:
    """Return a ticker's minutes: a path from the day's open to its close that touches its high and its low."""
    trades = int(day.transactions[number])
    opened, closed = (
        _nanoseconds(day.session, moment) for moment in (US_STOCKS.hours.opening, US_STOCKS.hours.close(day.session))
    )
    places = (closed - opened) // _MINUTE + 1
    count = min(trades, MOST, places)
    minute = np.sort(random.choice(places, count, replace=False))
    low, high, first, last = (float(prices[number]) for prices in (day.low, day.high, day.open, day.close))
    way = np.linspace(first, last, count + 1)[1:] + (high - low) / 4 * random.standard_normal(count)
    closes = np.clip(on_tick(way), low, high)
    closes[-1] = last
    opens = np.append(first, closes[:-1])
    highs, lows = np.maximum(opens, closes), np.minimum(opens, closes)
    highs[random.integers(count)] = high
    lows[random.integers(count)] = low
    whole = 6 if day.session >= SIX_DECIMALS_FROM else 0
    regular = {
        "window_start": opened + minute * _MINUTE,
        "open": opens,
        "high": highs,
        "low": lows,
        "close": closes,
        "volume": _shared_out(
            np.round(np.floor(day.volume[number] * 10**whole) / 10**whole, whole), whole, count, random
        ),
        "transactions": _shared_out(trades - count, 0, count, random).astype(np.int64) + 1,
    }
    return pl.concat(_with_outside(pl.DataFrame(regular), day.session, trades, first, last))


def _with_outside(regular: pl.DataFrame, session: date, trades: int, first: float, last: float) -> list[pl.DataFrame]:
    """Return the minutes in order, with one before the open and one in the evening for a ticker that trades a lot."""
    if trades < LIQUID:
        return [regular]
    return [_single(regular, session, EARLY, first), regular, _single(regular, session, LATE, last)]


def _single(like: pl.DataFrame, session: date, moment: time, price: float) -> pl.DataFrame:
    row: dict[str, Any] = dict.fromkeys(("open", "high", "low", "close"), price)
    row |= {"window_start": _nanoseconds(session, moment), "volume": OUTSIDE_VOLUME, "transactions": 1}
    return pl.DataFrame([row], schema=like.schema)


def _shared_out(total: float, decimals: int, count: int, random: np.random.Generator) -> np.ndarray:
    """Return `count` parts that add up to `total`, each with so many `decimals`; the last takes the rest."""
    weights = random.exponential(size=count)
    scale = 10.0**decimals
    parts = np.floor(total * scale * weights / weights.sum())
    parts[-1] = np.round(total * scale) - parts[:-1].sum()
    return parts / scale


def _nanoseconds(session: date, moment: time) -> int:
    return int(US_STOCKS.at(session, moment).timestamp()) * 10**9
