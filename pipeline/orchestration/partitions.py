"""One trading session is one partition: the definition that every daily table shares, and its helpers."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dagster import BackfillPolicy, TimeWindowPartitionMapping

from pipeline.errors import SettingsError
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.settings import FIRST_SESSION, load_settings
from pipeline.venues.calendar import closed_weekdays, new_york

EXCHANGE_ZONE = "America/New_York"
WEEKENDS = ("0 0 * * 6", "0 0 * * 0")

ONE_RUN = BackfillPolicy.single_run()
"""A range is one run, one pass, one commit per table: twenty sessions as twenty runs take six times as long."""


PUBLISHED_AT = time(11, 30)
"""New York time by which yesterday's file should be there; the vendor says about 11:00."""


def session_partitions(start: date = FIRST_SESSION, end: date | None = None) -> SessionPartitions:
    """Return the partitions of every daily table: the New York sessions `start` … `end`, open-ended when None.

    A session's partition exists from the midnight after it, since its file comes the next day. Closures are known
    to 2040, so the definition (and with it every materialization recorded against it) stays the same for years.

    Raises SettingsError when `start` lies before the vendor's history, or no session lies between it and `end`.
    """
    last = end or new_york().last
    sessions = new_york().between(start, last) if FIRST_SESSION <= start <= last else ()
    if not sessions:
        raise SettingsError(
            f"The tables cannot begin on {start} (CANDLELAKE_START) and end on {end or 'the latest session'}.",
            remedy=f"The vendor's history begins on {FIRST_SESSION}; set a later start, before CANDLELAKE_END.",
        )
    first = sessions[0]
    holidays = [datetime.combine(day, time()) for day in closed_weekdays() if first < day <= last]
    return SessionPartitions(
        start_date=first.isoformat(),
        end_date=(end + timedelta(days=1)).isoformat() if end else None,
        timezone=EXCHANGE_ZONE,
        exclusions=[*WEEKENDS, *holidays],
    )


def look_back(sessions: int) -> TimeWindowPartitionMapping:
    """Return the mapping of a session to itself and the sessions before it, `sessions` in all."""
    return TimeWindowPartitionMapping(start_offset=-(sessions - 1))


def sessions_of(keys: Sequence[str]) -> list[date]:
    """Return partition keys as the sessions they stand for, in order."""
    return sorted(date.fromisoformat(key) for key in keys)


def last_day_over(now: datetime, end: date | None = None) -> date:
    """Return the last day, not after `end`, that is over in New York at `now` (aware): partitions exist up to it."""
    yesterday = now.astimezone(ZoneInfo(EXCHANGE_ZONE)).date() - timedelta(days=1)
    return min(yesterday, end) if end else yesterday


def latest_over(now: datetime, end: date | None = None) -> date:
    """Return the newest session, not after `end`, that is over in New York at `now` (aware)."""
    return new_york().at_or_before(last_day_over(now, end))


def latest_published(now: datetime, end: date | None = None) -> date:
    """Return the newest session, not after `end`, whose file the vendor must have published by `now` (aware)."""
    in_new_york = now.astimezone(ZoneInfo(EXCHANGE_ZONE))
    days_ago = 1 if in_new_york.time() >= PUBLISHED_AT else 2
    newest = in_new_york.date() - timedelta(days=days_ago)
    return new_york().at_or_before(min(newest, end) if end else newest)


_settings = load_settings()
STOCK_SESSIONS = session_partitions(_settings.start, _settings.end)
"""The partitions of every table of stocks by day, from CANDLELAKE_START on."""


def sessions_over(now: datetime) -> Sequence[date]:
    """Return the sessions that have a partition at `now` (aware), in order.

    The same as STOCK_SESSIONS gives, but from the calendar: Dagster walks every day since the first.
    """
    return new_york().between(_settings.start, last_day_over(now, _settings.end))
