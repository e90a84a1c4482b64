"""Sessions: the days on which the exchange trades. Pure; callers that need "today" pass it in."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache

from pipeline.venues.xnys import CLOSED_WEEKDAYS


class Calendar:
    """An exchange's sessions in order, and look-ups in them.

    Dates outside `first` … `last` are an error rather than "not a session", because it is unknown.
    """

    def __init__(self, sessions: Sequence[date]) -> None:
        self.sessions = tuple(sessions)
        self.first = self.sessions[0]
        self.last = self.sessions[-1]

    def between(self, start: date, end: date) -> tuple[date, ...]:
        """Return the sessions from `start` to `end`, both included; empty when none lies between."""
        self._require_known(start)
        self._require_known(end)
        return self.sessions[bisect_left(self.sessions, start) : bisect_right(self.sessions, end)]

    def is_session(self, day: date) -> bool:
        """Return whether the exchange trades on `day`."""
        return bool(self.between(day, day))

    def at_or_before(self, day: date) -> date:
        """Return the latest session that is not after `day`."""
        self._require_known(max(day, self.first))
        if day < self.first:
            raise ValueError(f"The calendar begins on {self.first}; there is no session at or before {day}.")
        return self.sessions[bisect_right(self.sessions, day) - 1]

    def offset(self, session: date, count: int) -> date:
        """Return the session `count` sessions after `session` (before it when negative), limited to the calendar.

        Raises ValueError when `session` is not a session.
        """
        if not self.is_session(session):
            raise ValueError(f"{session} is not a session: the exchange is closed on that day.")
        position = bisect_left(self.sessions, session) + count
        return self.sessions[min(max(position, 0), len(self.sessions) - 1)]

    def _require_known(self, day: date) -> None:
        if not self.first.replace(month=1, day=1) <= day <= self.last.replace(month=12, day=31):
            raise ValueError(f"The calendar knows {self.first} to {self.last}; {day} lies outside.")


def closed_weekdays() -> tuple[date, ...]:
    """Return every weekday without trading in the New York calendar, in order."""
    return tuple(
        date.fromisoformat(f"{year}-{month_day}")
        for year, days in CLOSED_WEEKDAYS.items()
        for month_day in days.split()
    )


@cache
def new_york() -> Calendar:
    """Return the calendar of the New York Stock Exchange, 2003 to 2040 (exchange-calendars' XNYS)."""
    closed = set(closed_weekdays())
    day, last = date(min(CLOSED_WEEKDAYS), 1, 1), date(max(CLOSED_WEEKDAYS), 12, 31)
    sessions = []
    while day <= last:
        if day.weekday() < 5 and day not in closed:
            sessions.append(day)
        day += timedelta(days=1)
    return Calendar(sessions)
