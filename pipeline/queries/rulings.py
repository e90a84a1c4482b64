"""The user's rulings on splits in the lake: recorded, applied to `reference/splits`, and listed."""

from bisect import bisect_left
from collections.abc import Callable
from datetime import date, datetime

import polars as pl

from pipeline.contracts.reference import SPLITS
from pipeline.contracts.split_rulings import SPLIT_RULINGS
from pipeline.errors import RulingRefused
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.market.securities.reference import require_later, with_split_doubts
from pipeline.market.securities.rulings import (
    Ruling,
    faults,
    in_force,
    ratios_told,
    ruled,
    with_ruling,
    with_rulings_of,
)
from pipeline.queries.recording import recorded

RUN_ID = "candlelake splits"
"""The commits of rulings have this instead of a run's id."""

AROUND = 5
"""A ticker must have a bar within so many sessions of the day of a ruling."""

SEE = "`candlelake splits` lists what the vendor tells, and what you ruled."


def record_ruling(lake: Lake, ruling: Ruling, *, ruled_by: str, clock: Callable[[], datetime]) -> Ruling:
    """Record a ruling and apply it to the splits; return it with the ratio that it confirms.

    A confirmation without a ratio confirms the only one that the vendor tells, and to add a split that the vendor tells
    is to confirm it. Raises RulingRefused when it makes no
    sense, ClockBehind when the clock is behind the splits' history. Nothing is recorded then.
    """
    history = lake.read(SPLITS).rows.collect()
    told = ratios_told(history, ruling.ticker, ruling.execution_date)
    whole = ruling.with_ratio_of(told).as_confirmation_of(told)
    require_later(history, clock())

    def with_this(rulings: pl.DataFrame) -> pl.DataFrame:
        if found := faults(whole, told, rulings):
            raise RulingRefused(f"Nothing was recorded: {'; '.join(found)}.", remedy=SEE)
        return with_ruling(rulings, whole, ruled_by=ruled_by, ruled_at=clock())

    recorded(lake, SPLIT_RULINGS, with_this, run_id=RUN_ID)
    apply_rulings(lake, clock)
    return whole


def import_rulings(lake: Lake, rulings: pl.DataFrame, *, clock: Callable[[], datetime]) -> int:
    """Record the `rulings` of another lake that are not recorded yet, apply all, and return how many were new.

    `rulings` have the columns of `reference/split_rulings` but `number`. Raises ClockBehind.
    """
    require_later(lake.read(SPLITS).rows.collect(), clock())
    before = len(lake.read(SPLIT_RULINGS).rows.collect())
    after = recorded(lake, SPLIT_RULINGS, lambda known: with_rulings_of(known, rulings), run_id=RUN_ID)
    apply_rulings(lake, clock)
    return len(after) - before


def apply_rulings(lake: Lake, clock: Callable[[], datetime]) -> None:
    """Put the rulings in force into `reference/splits`. A second call changes nothing."""
    rulings = lake.read(SPLIT_RULINGS)
    rows = rulings.rows.collect()

    def with_rulings(history: pl.DataFrame) -> pl.DataFrame:
        now = clock()
        require_later(history, now)
        return with_split_doubts(ruled(history, rows, now))

    recorded(lake, SPLITS, with_rulings, run_id=RUN_ID, read=[rulings])


def standing_rulings(lake: Lake) -> pl.DataFrame:
    """Return the rulings in force, in the columns of `reference/split_rulings`, by ticker and day."""
    return in_force(lake.read(SPLIT_RULINGS).rows.collect())


def is_told(lake: Lake, ticker: str, day: date) -> bool:
    """Return whether the vendor tells a split of a ticker for a day."""
    return bool(ratios_told(lake.read(SPLITS).rows.collect(), ticker, day))


def traded_around(lake: Lake, market: Market, day: date) -> pl.Series:
    """Return the tickers with a bar in the AROUND sessions before a day or after it."""
    if not lake.exists(market.bars):
        return pl.Series("ticker", dtype=pl.String)
    sessions = market.calendar.sessions
    place = bisect_left(sessions, day)
    first, last = sessions[max(place - AROUND, 0)], sessions[min(place + AROUND, len(sessions) - 1)]
    return lake.scan(market.bars, first, last, columns=["ticker"]).unique().collect()["ticker"]
