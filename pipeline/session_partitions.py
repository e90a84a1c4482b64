"""Partitions by day whose days are found in the calendar, where Dagster walks a cron schedule and its exceptions.

A walk from one window to the next takes Dagster 1.13 a third of a millisecond. A run asks for the 451 sessions of a
look-back four times, and each check for every session there ever was. There is no public way to change the walk, so
this module overrides two private methods; a test compares what both yield, window by window and key by key.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dagster import DailyPartitionsDefinition, TimeWindow, partition_loading_context

from pipeline.market.calendar import new_york

DAY = timedelta(days=1)


class SessionPartitions(DailyPartitionsDefinition):
    """The partitions of New York's sessions, whose exclusions name each other day from the first session to the last.

    What lies before and after those, Dagster works out itself.
    """

    def __hash__(self) -> int:
        """Return what equal partitions have in common; Dagster hashes every exclusion, each time it looks one up."""
        return hash((self.start_timestamp, self.end_timestamp, self.timezone))

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> Sequence[str]:
        """Return the sessions that are over at `current_time` (aware), now when None, as keys in order."""
        first, last = self._first_and_last()
        with partition_loading_context(current_time, dynamic_partitions_store):
            newest = self.get_last_partition_window()
        if newest is None or not first <= newest.start.date() <= last:
            return super().get_partition_keys(current_time, dynamic_partitions_store)
        return [session.isoformat() for session in new_york().between(first, newest.start.date())]

    def _iterate_time_windows(self, start_timestamp: float, ignore_exclusions: bool = False) -> Iterable[TimeWindow]:
        """Yield the windows that begin at `start_timestamp` or later, in order."""
        first, last = self._first_and_last()
        begins = self._at(start_timestamp)
        day = begins.date() if begins.time() == time() else begins.date() + DAY
        if ignore_exclusions or not first <= day <= last:
            yield from super()._iterate_time_windows(start_timestamp, ignore_exclusions)
            return
        yield from map(self._window, new_york().between(day, last))
        yield from super()._iterate_time_windows(self._window(last).end.timestamp())

    def _reverse_iterate_time_windows(
        self, end_timestamp: float, ignore_exclusions: bool = False
    ) -> Iterable[TimeWindow]:
        """Yield the windows that end at `end_timestamp` or before, the newest first."""
        first, last = self._first_and_last()
        day = self._at(end_timestamp).date() - DAY
        if ignore_exclusions or not first <= day <= last:
            yield from super()._reverse_iterate_time_windows(end_timestamp, ignore_exclusions)
            return
        yield from map(self._window, reversed(new_york().between(first, day)))
        yield from super()._reverse_iterate_time_windows(self._window(first).start.timestamp())

    def _first_and_last(self) -> tuple[date, date]:
        """Return the days between which the exclusions are those of the calendar."""
        last = new_york().last if self.end is None else self.end.date() - DAY
        return self.start.date(), min(last, new_york().last)

    def _window(self, session: date) -> TimeWindow:
        zone = ZoneInfo(self.timezone)
        return TimeWindow(
            datetime.combine(session, time(), tzinfo=zone), datetime.combine(session + DAY, time(), tzinfo=zone)
        )

    def _at(self, timestamp: float) -> datetime:
        return datetime.fromtimestamp(timestamp, ZoneInfo(self.timezone))
