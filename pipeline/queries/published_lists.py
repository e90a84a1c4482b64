"""Published lists: found in the commits of the candidates, and ranked again from the versions they were made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.contracts.reference import SPLITS, TICKER_EVENTS, TICKERS
from pipeline.contracts.table import Table
from pipeline.errors import VersionGone
from pipeline.lake.delta.commits import writings
from pipeline.lake.delta.past import rows_at
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.market.screen.known import Known, with_known, with_minutes
from pipeline.market.screen.rank import candidates
from pipeline.market.securities.listings import listings


@dataclass(frozen=True)
class Publication:
    """One writing of a session's lists."""

    session: date
    version: int
    """Of `stocks/candidates`."""
    published_at: datetime
    run_id: str | None
    read: dict[str, int | None]
    """The version of each table that the lists were made from, by SQL name; None if it did not exist yet."""


def publications(lake: Lake, session: date) -> list[Publication]:
    """Return every writing of the lists of `session`, the oldest first. Raises TableMissing before the first list."""
    commits = writings(lake.trail(CANDIDATES).commits(), session)
    return [
        Publication(
            session=session,
            version=row["version"],
            published_at=row["committed_at"],
            run_id=row["run_id"],
            read={reading["table"]: reading["version"] for reading in row["read"] or ()},
        )
        for row in commits.sort("version").iter_rows(named=True)
    ]


def ranked_again(lake: Lake, market: Market, publication: Publication) -> pl.DataFrame:
    """Return the lists of the publication, ranked again from exactly the versions it read.

    They equal `as_committed` unless the models were changed since. Raises VersionGone when a version is not readable.
    """
    session = publication.session
    day = rows_read(lake, publication, DAILY_BARS).join(
        rows_read(lake, publication, market.indicators), on=["ticker", "session"]
    )
    listed = listings(rows_read(lake, publication, TICKERS), rows_read(lake, publication, TICKER_EVENTS))
    window = market.window([session])
    day = with_minutes(day.lazy(), rows_read(lake, publication, INTRADAY_FEATURES).lazy()).collect()
    is_checked = publication.read.get(market.price_doubts.sql_name) is not None
    doubts = rows_read(lake, publication, market.price_doubts, since=window[0]) if is_checked else None
    known = Known(listed, rows_read(lake, publication, SPLITS), doubts)
    return candidates(with_known(day, known, window, market.lookback), market.models)


def as_committed(lake: Lake, publication: Publication) -> pl.DataFrame:
    """Return the lists as the publication wrote them. Raises VersionGone when the version is no longer readable."""
    session = publication.session
    return rows_at(lake, CANDIDATES, publication.version, session, session).sort("model", "rank")


def oldest_readable(lake: Lake, published: Sequence[Publication]) -> tuple[int, pl.DataFrame]:
    """Return the index in `published` (oldest first) of the first publication that is still readable, and its lists.

    Raises VersionGone when none is.
    """
    first_error: VersionGone | None = None
    for place, publication in enumerate(published):
        try:
            return place, as_committed(lake, publication)
        except VersionGone as unreadable:
            first_error = first_error or unreadable
    raise first_error or ValueError("nothing was published")


def rows_read(lake: Lake, publication: Publication, table: Table, since: date | None = None) -> pl.DataFrame:
    """Return the rows of `table` that the publication read: of its session, or all rows of a table without sessions.

    With `since`, those of the sessions from that one on, too. Raises VersionGone when it can no longer be read.
    """
    version = publication.read.get(table.sql_name)
    if version is None:
        return table.empty()
    session = publication.session
    span = (since or session, session) if table.session else (None, None)
    return rows_at(lake, table, version, *span)
