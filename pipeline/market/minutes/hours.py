"""Minutes of a session: which timestamps are minutes of a venue. Pure."""

from datetime import date, datetime, time

import polars as pl

from pipeline.venues.venue import Venue

KEY = ("ticker", "window_start")
"""The key of a minute bar within a session."""

_NANOSECONDS = 10**9
_MINUTE = 60 * _NANOSECONDS


def minute_reasons(session: date, venue: Venue) -> dict[str, pl.Expr]:
    """Return the conditions under which a row on `session` is not a minute, by code of MINUTE_REASONS.

    Rows have `window_start` in nanoseconds UTC. A row of another date is `wrong_session` already, and not checked here.
    """
    window = pl.col("window_start")
    first, last = (_nanoseconds(venue.at(session, moment)) for moment in (venue.hours.first, venue.hours.last))
    midnight, last_moment = (_nanoseconds(venue.at(session, moment)) for moment in (time(), time.max))
    outside = window.is_between(midnight, last_moment) & ~window.is_between(first, last)
    return {"not_a_minute": outside | (window % _MINUTE != 0)}


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * _NANOSECONDS
