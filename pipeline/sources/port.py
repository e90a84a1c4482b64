"""The interface to the vendor's dated flat files, wherever they are stored."""

import re
import warnings
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pipeline.errors import NotPublished, SettingsError
from pipeline.venues.venue import DAY, Venue

DATED_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})\.csv\.gz")


class Dataset(StrEnum):
    """A dataset of the vendor, named by its key prefix."""

    DAY_AGGS = "us_stocks_sip/day_aggs_v1"
    MINUTE_AGGS = "us_stocks_sip/minute_aggs_v1"
    TRADES = "us_stocks_sip/trades_v1"
    QUOTES = "us_stocks_sip/quotes_v1"


LARGEST: dict[str, int] = {
    Dataset.DAY_AGGS: 1 << 25,
    Dataset.MINUTE_AGGS: 1 << 29,
    Dataset.TRADES: 1 << 36,
    Dataset.QUOTES: 1 << 36,
}
"""Largest plausible file, compressed bytes; a larger one is not fetched."""


@dataclass(frozen=True)
class Publication:
    """When a vendor publishes the file of a session."""

    at: time
    """Time at the venue, on the day after the session, by which its file should be there."""
    words: str
    """When the vendor says that it comes, as the beginning of a remedy."""

    def newest(self, venue: Venue, now: datetime, end: date | None = None) -> date:
        """Return the newest session, not after `end`, whose file the vendor must have published by `now` (aware)."""
        there = now.astimezone(venue.zone)
        newest = there.date() - (DAY if there.time() >= self.at else 2 * DAY)
        return venue.calendar.at_or_before(min(newest, end) if end else newest)


PUBLICATION = Publication(time(11, 30), "A session's file comes by about 11:00 New York on the next day")
"""When the datasets above are published; half an hour more than the vendor says."""


class MisplacedFile(UserWarning):
    """A dated file is in the wrong folder for its date, and was not used."""


@dataclass(frozen=True)
class FlatFile:
    """A published version of one dated file, as a listing shows it."""

    dataset: str
    session: date
    key: str
    size: int
    """Bytes, compressed."""
    etag: str
    """Version, without quotation marks: the MD5 of the bytes unless it contains a hyphen."""
    last_modified: datetime
    """UTC, aware."""


@dataclass(frozen=True)
class Download:
    """A fetched file whose bytes were verified against the listing."""

    file: FlatFile
    path: Path
    sha256: str


class FlatFiles(Protocol):
    """A source of flat files."""

    def years(self, dataset: str) -> list[int]:
        """Return the years that have a folder, oldest first. Raises SettingsError when the source has none at all."""

    def sessions(self, dataset: str, year: int) -> list[date]:
        """Return the dates with a published file in `year`, oldest first. Cheap: no file is read."""

    def files(self, dataset: str, start: date | None = None, end: date | None = None) -> list[FlatFile]:
        """Return the published files dated `start` … `end` (both included, open when None), oldest first.

        Empty when the source has the dataset but no file in that range. Raises SettingsError when it has no file of
        the dataset at all and the range is open, or when `start` lies after `end`.
        """

    def file(self, dataset: str, session: date) -> FlatFile:
        """Return the published file of one session. Raises NotPublished when there is none."""

    def require_readable(self, file: FlatFile) -> None:
        """Return if the bytes of `file` may be read, without reading them.

        Raises AccessDenied when they may not, NotPublished when the file is gone.
        """

    def download(self, file: FlatFile, path: Path) -> Download:
        """Download exactly this version of `file` to `path`, whole and verified, or raise and leave `path` as it was.

        Raises TransferFailed when the bytes cannot be transferred or are not those listed (the file was replaced
        meanwhile: list again), AccessDenied when they may not be read, NotPublished when the file is gone.
        """


def key_of(dataset: str, session: date) -> str:
    """Return the vendor's key: `us_stocks_sip/day_aggs_v1/2024/01/2024-01-05.csv.gz`."""
    return f"{dataset}/{session:%Y/%m}/{session.isoformat()}.csv.gz"


def session_of(dataset: str, key: str) -> date | None:
    """Return the session of the file `key`; None if it is not a dated file.

    A dated file in a folder of another date is not used: a MisplacedFile warning names it.
    """
    match = DATED_NAME.fullmatch(key.rsplit("/", 1)[-1])
    if match is None:
        return None
    try:
        session = date.fromisoformat(match[1])
    except ValueError:
        warnings.warn(f"{key} is named after a date that does not exist; it is not used.", MisplacedFile, stacklevel=2)
        return None
    if key != key_of(dataset, session):
        warnings.warn(
            f"{key} is not used: a file of {session} belongs at {key_of(dataset, session)}.",
            MisplacedFile,
            stacklevel=2,
        )
        return None
    return session


def require_order(start: date | None, end: date | None) -> None:
    """Return if `start` … `end` is a range. Raises SettingsError when it runs backwards."""
    if start is not None and end is not None and start > end:
        raise SettingsError(f"The range {start} to {end} runs backwards.", remedy="Give the earlier date first.")


def not_published(dataset: str, session: date, place: str) -> NotPublished:
    """Return the error that says `place` has no file for `session`."""
    return NotPublished(
        f"There is no {key_of(dataset, session)} in {place}.",
        remedy=f"{PUBLICATION.words}; weekends and holidays have none.",
    )


def last_day(source: FlatFiles, dataset: str) -> FlatFile:
    """Return the newest published file of `dataset`.

    Lists the newest year only. Raises NotPublished when `source` has no dated file of the dataset.
    """
    return window(source, dataset, days=1)[0]


def window(source: FlatFiles, dataset: str, days: int) -> list[FlatFile]:
    """Return the last `days` published files of `dataset`, oldest first; fewer when fewer are published.

    Lists only the years it needs, newest first. Raises NotPublished when there is no dated file at all, SettingsError
    when `days` is not positive.
    """
    if days < 1:
        raise SettingsError(f"A window of {days} days is empty.", remedy="Ask for at least one day.")
    sessions: list[date] = []
    for year in reversed(source.years(dataset)):
        sessions = source.sessions(dataset, year) + sessions
        if len(sessions) >= days:
            break
    last_sessions = _require_some(sessions, source, dataset)[-days:]
    return source.files(dataset, last_sessions[0], last_sessions[-1])


def bookend(source: FlatFiles, dataset: str) -> tuple[FlatFile, FlatFile]:
    """Return the oldest and the newest published file of `dataset` (the same one twice when there is only one).

    Lists the first and the last year, not the history between. Raises NotPublished when there is no dated file.
    """
    years = source.years(dataset)
    oldest = next((sessions for year in years if (sessions := source.sessions(dataset, year))), [])
    first = source.file(dataset, _require_some(oldest, source, dataset)[0])
    return first, last_day(source, dataset)


def _require_some(sessions: list[date], source: FlatFiles, dataset: str) -> list[date]:
    if not sessions:
        raise NotPublished(
            f"There are year folders under {dataset} in {source!r}, but no dated file in them.",
            remedy="Check that CANDLELAKE_FLAT_FILES names a source in the vendor's layout: YYYY/MM/YYYY-MM-DD.csv.gz.",
        )
    return sessions
