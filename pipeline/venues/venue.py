"""A market place as a value: its calendar, zone and hours, its currency, and the market that its tables belong to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from types import MappingProxyType
from zoneinfo import ZoneInfo

from pipeline.venues.calendar import Calendar, calendar_of

DAY = timedelta(days=1)

WEEKEND = (6, 7)
"""Saturday and Sunday, by ISO number."""

Span = tuple[time, time]
"""A span of the day in the venue's zone: when it begins, and when it ends (not included)."""


@dataclass(frozen=True)
class Hours:
    """When a venue trades within a session, in its own zone."""

    first: time
    """Start of the first minute that can trade."""
    last: time
    """Start of the last minute that can trade."""
    regular: tuple[Span, ...]
    """Regular hours: one span, or two around a lunch break."""
    early_close: time | None = None
    """When regular hours end on the sessions of `early_closes`."""
    early_closes: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    """Year to the sessions that end early, each as MM-DD."""

    @property
    def opening(self) -> time:
        """Return when regular hours begin."""
        return self.regular[0][0]

    def close(self, session: date) -> time:
        """Return when regular hours of `session` end."""
        ends_early = f"{session:%m-%d}" in self.early_closes.get(session.year, "").split()
        return self.early_close if ends_early and self.early_close else self.regular[-1][1]


@dataclass(frozen=True, eq=False)
class Venue:
    """A market place. Each is declared once, in a module of its own; everything else takes it as a value."""

    name: str
    """As messages name it: `US stocks`."""
    market: str
    """The folder of its tables, and the first part of their SQL names and asset keys: `stocks`."""
    city: str
    """Where its clock is, as messages name it: `New York`."""
    zone: ZoneInfo
    closures: Mapping[int, str] = field(repr=False)
    """Year to the days of trading weekdays without a session, each as MM-DD. The calendar knows these years only."""
    hours: Hours = field(repr=False)
    currency: str
    """ISO 4217 code of the currency of its prices."""
    first_session: date
    """The first session of which the tables may hold anything."""
    weekend: tuple[int, ...] = WEEKEND
    """Weekdays without trading, by ISO number; empty for a venue that never closes."""
    smallest_holding: float = 0.0001
    """The last decimal of the quantities that statements print: less is no holding."""

    @cached_property
    def calendar(self) -> Calendar:
        """Return its sessions."""
        return calendar_of(self.closures, self.weekend)

    @cached_property
    def closed_days(self) -> tuple[date, ...]:
        """Return every day of a trading weekday without a session, in order."""
        return tuple(
            date.fromisoformat(f"{year}-{day}") for year, days in self.closures.items() for day in days.split()
        )

    def today(self, now: datetime) -> date:
        """Return the date at the venue at `now` (aware)."""
        return now.astimezone(self.zone).date()

    def at(self, session: date, moment: time) -> datetime:
        """Return a time of day at the venue on `session`, in UTC."""
        return datetime.combine(session, moment, self.zone).astimezone(UTC)

    def bounds(self, session: date) -> tuple[datetime, datetime]:
        """Return when the day of `session` begins at the venue, and when the next one does, in UTC."""
        return self.at(session, time()), self.at(session + DAY, time())

    def regular_hours(self, session: date) -> tuple[tuple[datetime, datetime], ...]:
        """Return the spans of regular hours of `session` in UTC, cut at an early close."""
        close = self.hours.close(session)
        spans = ((begin, min(end, close)) for begin, end in self.hours.regular)
        return tuple((self.at(session, begin), self.at(session, end)) for begin, end in spans if begin < end)
