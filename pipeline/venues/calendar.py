"""Sessions: the days on which the exchange trades. Pure; callers that need "today" pass it in."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta


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

    def window(self, session: date, count: int) -> tuple[date, ...]:
        """Return the `count` sessions up to `session`, itself included; fewer at the start of the calendar.

        Raises ValueError when `session` is not a session.
        """
        return self.between(self.offset(session, 1 - count), session)

    def _require_known(self, day: date) -> None:
        if not self.first.replace(month=1, day=1) <= day <= self.last.replace(month=12, day=31):
            raise ValueError(f"The calendar knows {self.first} to {self.last}; {day} lies outside.")


def calendar_of(closures: Mapping[int, str], weekend: Collection[int]) -> Calendar:
    """Return the calendar of the years in `closures`: every day but the weekdays of `weekend` (ISO numbers) and the
    days that `closures` lists, each as MM-DD, by year."""
    closed = {date.fromisoformat(f"{year}-{day}") for year, days in closures.items() for day in days.split()}
    day, last = date(min(closures), 1, 1), date(max(closures), 12, 31)
    days = (day + timedelta(days=count) for count in range((last - day).days + 1))
    return Calendar([day for day in days if day.isoweekday() not in weekend and day not in closed])
