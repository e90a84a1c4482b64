"""Minutes of a session: which timestamps are minutes, and which minutes are regular hours. Pure.

Regular hours begin at 09:30 New York and end before the close: 16:00, or 13:00 on the sessions of EARLY_CLOSES.
"""

from datetime import UTC, date, datetime, time

import polars as pl

from pipeline.contracts.minutes import FIRST_HOUR, LAST_HOUR
from pipeline.market.gate.clean import NEW_YORK

KEY = ("ticker", "window_start")
"""The key of a minute bar within a session."""

OPEN = time(9, 30)
CLOSE = time(16)
EARLY_CLOSE = time(13)

EARLY_CLOSES = {
    2003: "07-03 11-28 12-24 12-26",
    2004: "11-26",
    2005: "11-25",
    2006: "07-03 11-24",
    2007: "07-03 11-23 12-24",
    2008: "07-03 11-28 12-24",
    2009: "11-27 12-24",
    2010: "11-26",
    2011: "11-25",
    2012: "07-03 11-23 12-24",
    2013: "07-03 11-29 12-24",
    2014: "07-03 11-28 12-24",
    2015: "11-27 12-24",
    2016: "11-25",
    2017: "07-03 11-24",
    2018: "07-03 11-23 12-24",
    2019: "07-03 11-29 12-24",
    2020: "11-27 12-24",
    2021: "11-26",
    2022: "11-25",
    2023: "07-03 11-24",
    2024: "07-03 11-29 12-24",
    2025: "07-03 11-28 12-24",
    2026: "11-27 12-24",
    2027: "11-26",
    2028: "07-03 11-24",
    2029: "07-03 11-23 12-24",
    2030: "07-03 11-29 12-24",
    2031: "07-03 11-28 12-24",
    2032: "11-26",
    2033: "11-25",
    2034: "07-03 11-24",
    2035: "07-03 11-23 12-24",
    2036: "07-03 11-28 12-24",
    2037: "11-27 12-24",
    2038: "11-26",
    2039: "11-25",
    2040: "07-03 11-23 12-24",
}
"""The sessions that end at 13:00, by year: from exchange-calendars 4.13 (XNYS), and compared with it by a test."""

_NANOSECONDS = 10**9
_MINUTE = 60 * _NANOSECONDS


def minute_reasons(session: date) -> dict[str, pl.Expr]:
    """Return the conditions under which a row on `session` is not a minute, by code of MINUTE_REASONS.

    Rows have `window_start` in nanoseconds UTC. A row of another date is `wrong_session` already, and not checked here.
    """
    window = pl.col("window_start")
    first, last = (_nanoseconds(session, time(hour)) for hour in (FIRST_HOUR, LAST_HOUR))
    midnight, last_moment = _nanoseconds(session, time()), _nanoseconds(session, time.max)
    outside = window.is_between(midnight, last_moment) & ~window.is_between(first, last)
    return {"not_a_minute": outside | (window % _MINUTE != 0)}


def closing_time(session: date) -> time:
    """Return when regular hours of `session` end in New York; sessions of years not in EARLY_CLOSES end at 16:00."""
    return EARLY_CLOSE if f"{session:%m-%d}" in EARLY_CLOSES.get(session.year, "").split() else CLOSE


def at(session: date, moment: time) -> datetime:
    """Return a time of day in New York on `session`, in UTC."""
    return datetime.combine(session, moment, NEW_YORK).astimezone(UTC)


def _nanoseconds(session: date, moment: time) -> int:
    return int(at(session, moment).timestamp()) * _NANOSECONDS
