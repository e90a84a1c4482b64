"""Checks typed tickers and prices against the lake, to catch typing errors."""

from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches

import polars as pl

from pipeline.cli.candidates import newest_session
from pipeline.cli.terminal import say_warning
from pipeline.contracts.bars import DAILY_BARS
from pipeline.errors import PositionRefused
from pipeline.lake.lake import Lake
from pipeline.market.portfolio.book import Opening, open_positions, settled
from pipeline.market.prices.splits import price_after, with_ratio
from pipeline.queries.portfolio import known_splits, recorded_positions

AROUND = 20
"""Its ticker must have a bar in this many sessions up to a purchase; many do not trade every day."""


def newest_bars(lake: Lake) -> date | None:
    """Return the newest session with bars in the lake."""
    return newest_session(lake, DAILY_BARS) if lake.exists(DAILY_BARS) else None


def has_bars(lake: Lake, session: date) -> bool:
    """Return whether the lake has bars of any ticker on `session`."""
    if not lake.exists(DAILY_BARS):
        return False
    return not lake.scan(DAILY_BARS, session, session, columns=["session"]).head(1).collect().is_empty()


def unknown_tickers(lake: Lake, openings: Iterable[Opening]) -> dict[str, str]:
    """Return the tickers that had no bar at the time of their purchase, each with a message.

    For a time outside the lake, its newest sessions count. A lake without bars objects to nothing.
    """
    newest = newest_bars(lake)
    if newest is None:
        return {}
    traded = {day: _traded(lake, day) or _traded(lake, newest) for day in {opening.opened for opening in openings}}
    return {
        opening.ticker: _unknown(opening.ticker, traded[opening.opened])
        for opening in openings
        if opening.ticker not in traded[opening.opened]
    }


def require_known(lake: Lake, opening: Opening) -> None:
    """Raise PositionRefused when the lake has bars, but none of the ticker at the time of the purchase."""
    for words in unknown_tickers(lake, [opening]).values():
        raise PositionRefused(f"Nothing was recorded: {words}.", remedy="Record it anyway with --force.")


def _traded(lake: Lake, until: date) -> set[str]:
    bars = lake.scan(DAILY_BARS, DAILY_BARS.venue.calendar.offset(until, -AROUND), until, columns=["ticker"])
    return set(bars.unique().collect()["ticker"])


def _unknown(ticker: str, traded: set[str]) -> str:
    same = sorted(name for name in traded if name.casefold() == ticker.casefold())
    near = same or get_close_matches(ticker.upper(), sorted(traded), n=3)
    hint = f" (near it: {', '.join(near)})" if near else ""
    return f"{ticker} has no bar in the lake at that time{hint}"


def last_close(lake: Lake, ticker: str, day: date | None, latest: date) -> tuple[date, float]:
    """Return the session of a sale without a price, and its price: the last close, on the shares of that session.

    The session is `day`, or else that of the close. Only closes since the first purchase of the held shares count.
    Raises PositionRefused when nothing is held, or there is no close.
    """
    lots = open_positions(settled(recorded_positions(lake), known_splits(lake))).filter(pl.col("ticker") == ticker)
    if lots.is_empty():
        raise PositionRefused(f"No {ticker} is held.", remedy="`candlelake positions` shows what is held.")
    first: date = lots.select(pl.col("opened").min()).item()
    until = day or latest
    bars = DAILY_BARS.empty()
    if lake.exists(DAILY_BARS) and first <= until:
        bars = lake.scan(DAILY_BARS, first, until).filter(pl.col("ticker") == ticker).collect().sort("session")
    if bars.is_empty():
        raise PositionRefused(
            f"The lake has no close of {ticker} from {first} to {until}.", remedy="Name what you got with --price."
        )
    bar = bars.tail(1)
    priced_on: date = bar["session"].item()
    session = day or priced_on
    on_shares = with_ratio(bar, known_splits(lake), since=pl.col("session"), until=pl.lit(session))
    price: float = on_shares.select(price_after(pl.col("close"))).item()
    if priced_on != session:
        say_warning(f"{ticker} has no bar on {session}; the sale counts at its close of {priced_on}.")
    return session, price
