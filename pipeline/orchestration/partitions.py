"""One trading session is one partition: the definition that every daily table shares, and its helpers."""

from collections.abc import Sequence
from datetime import date, datetime, time

from dagster import BackfillPolicy, TimeWindowPartitionMapping

from pipeline.errors import SettingsError
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.settings import Settings
from pipeline.venues.venue import DAY, Venue

ONE_RUN = BackfillPolicy.single_run()
"""A range is one run, one pass, one commit per table: twenty sessions as twenty runs take six times as long."""


def session_partitions(venue: Venue, start: date | None = None, end: date | None = None) -> SessionPartitions:
    """Return the partitions of the daily tables of `venue`: its sessions `start` (the first when None) … `end`.

    They are open-ended when `end` is None. A session's partition exists from the midnight after it, since its file
    comes the next day. Closures are known for years ahead, so the definition (and with it every materialization
    recorded against it) stays the same for years.

    Raises SettingsError when `start` lies before the first session of the tables, or no session lies up to `end`.
    """
    start, last = start or venue.first_session, end or venue.calendar.last
    sessions = venue.calendar.between(start, last) if venue.first_session <= start <= last else ()
    if not sessions:
        raise SettingsError(
            f"The tables cannot begin on {start} (CANDLELAKE_START) and end on {end or 'the latest session'}.",
            remedy=f"The vendor's history begins on {venue.first_session}; set a later start, before CANDLELAKE_END.",
        )
    first = sessions[0]
    holidays = [datetime.combine(day, time()) for day in venue.closed_days if first < day <= last]
    return SessionPartitions(
        start_date=first.isoformat(),
        end_date=(end + DAY).isoformat() if end else None,
        timezone=venue.zone.key,
        exclusions=[*map(midnights, reversed(venue.weekend)), *holidays],
    )


def midnights(weekday: int) -> str:
    """Return the cron schedule of the midnights that begin a weekday, given by its ISO number."""
    return f"0 0 * * {weekday % 7}"


def look_back(sessions: int) -> TimeWindowPartitionMapping:
    """Return the mapping of a session to itself and the sessions before it, `sessions` in all."""
    return TimeWindowPartitionMapping(start_offset=-(sessions - 1))


def sessions_of(keys: Sequence[str]) -> list[date]:
    """Return partition keys as the sessions they stand for, in order."""
    return sorted(date.fromisoformat(key) for key in keys)


def last_day_over(venue: Venue, now: datetime, end: date | None = None) -> date:
    """Return the last day, not after `end`, that is over at `venue` at `now` (aware): partitions exist up to it."""
    yesterday = venue.today(now) - DAY
    return min(yesterday, end) if end else yesterday


def latest_over(venue: Venue, now: datetime, end: date | None = None) -> date:
    """Return the newest session, not after `end`, that is over at `venue` at `now` (aware)."""
    return venue.calendar.at_or_before(last_day_over(venue, now, end))


def partitions_of(venue: Venue, settings: Settings) -> SessionPartitions:
    """Return the partitions of every table by day of `venue`, from CANDLELAKE_START to CANDLELAKE_END."""
    return session_partitions(venue, settings.start, settings.end)


def sessions_over(venue: Venue, settings: Settings, now: datetime) -> Sequence[date]:
    """Return the sessions of `venue` that have a partition at `now` (aware), in order.

    The same as the partitions give, but from the calendar: Dagster walks every day since the first.
    """
    return venue.calendar.between(settings.start, last_day_over(venue, now, settings.end))
