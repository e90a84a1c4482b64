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
from pipeline.market.portfolio.book import Opening
from pipeline.market.portfolio.sales import meant_by
from pipeline.market.prices.splits import price_after, with_ratio
from pipeline.market.securities.names import events_under_security, tickers_of, under_security
from pipeline.queries.known_listings import known_listings
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


def last_close(lake: Lake, ticker: str, position: int | None, day: date | None, latest: date) -> tuple[date, float]:
    """Return the session of a sale without a price, and its price: the last close, on the shares of that session.

    The session is `day`, or else that of the close. Only closes of the security that is held count, under whatever
    ticker, since the first purchase of the held shares.
    Raises PositionRefused when nothing is held, or there is no close, or `ticker` means several securities.
    """
    splits, listed, until = known_splits(lake), known_listings(lake), day or latest
    lots = meant_by(recorded_positions(lake), splits, listed, ticker, until, position)
    if lots.is_empty():
        missing = f"No {ticker} is held" if position is None else f"{ticker} in position {position} cannot be sold"
        raise PositionRefused(f"{missing} on {until}.", remedy="`candlelake positions` shows what is held.")
    bars = _own_bars(lake, lots, listed, until)
    if bars.is_empty():
        first: date = lots.select(pl.col("opened").min()).item()
        raise PositionRefused(
            f"The lake has no close of {ticker} from {first} to {until}.", remedy="Name what you got with --price."
        )
    bar = bars.tail(1)
    priced_on: date = bar["session"].item()
    session = day or priced_on
    own_splits = events_under_security(splits, "execution_date", listed)
    on_shares = with_ratio(bar, own_splits, since=pl.col("session"), until=pl.lit(session))
    price: float = on_shares.select(price_after(pl.col("close"))).item()
    if priced_on != session:
        say_warning(f"{ticker} has no bar on {session}; the sale counts at its close of {priced_on}.")
    return session, price


def _own_bars(lake: Lake, lots: pl.DataFrame, listed: pl.DataFrame, until: date) -> pl.DataFrame:
    """Return the bars of the one security of `lots` since the first was opened, oldest first, under its name."""
    first: date = lots.select(pl.col("opened").min()).item()
    if not lake.exists(DAILY_BARS) or first > until:
        return DAILY_BARS.empty()
    had = tickers_of(lots, "opened", listed).implode()
    bars = lake.scan(DAILY_BARS, first, until).filter(pl.col("ticker").is_in(had)).collect()
    securities = under_security(lots, "opened", listed)["ticker"].unique().implode()
    return under_security(bars, "session", listed).filter(pl.col("ticker").is_in(securities)).sort("session")
