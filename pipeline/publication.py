"""Lists as they were published: found in the commits of the candidates, read from exactly the versions they read."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.contracts.reference import SPLITS, TICKER_EVENTS, TICKERS
from pipeline.contracts.table import Table
from pipeline.errors import TableMissing
from pipeline.lake.commits import writings
from pipeline.lake.tables import Lake
from pipeline.market.calendar import new_york
from pipeline.market.indicators import INDICATORS_TABLE, LOOKBACK_SESSIONS
from pipeline.market.listings import listings
from pipeline.market.screen.known import with_minutes, with_reference
from pipeline.market.screen.models import MODELS
from pipeline.market.screen.rank import candidates


@dataclass(frozen=True)
class Publication:
    """One writing of a session's lists."""

    session: date
    version: int
    """Of `stocks/candidates`."""
    published_at: datetime
    run_id: str | None
    read: dict[str, int | None]
    """The version of each table that the lists were made from, by SQL name; None for one never written then."""


def publications(lake: Lake, session: date) -> list[Publication]:
    """Return every writing of the lists of `session`, the oldest first. Raises TableMissing before the first list."""
    commits = writings(lake.history(f"{CANDIDATES.market}/{CANDIDATES.name}"), session)
    return [
        Publication(
            session=session,
            version=row["version"],
            published_at=row["committed_at"],
            run_id=row["run_id"],
            read={one["table"]: one["version"] for one in row["read"] or ()},
        )
        for row in commits.sort("version").iter_rows(named=True)
    ]


def ranked_anew(lake: Lake, publication: Publication) -> pl.DataFrame:
    """Return the lists of the publication, ranked anew from exactly the versions it read.

    They equal `as_committed` unless the models were changed since. Raises TableMissing when a version was vacuumed.
    """
    session = publication.session
    day = rows_read(lake, publication, DAILY_BARS).join(
        rows_read(lake, publication, INDICATORS_TABLE), on=["ticker", "session"]
    )
    listed = listings(rows_read(lake, publication, TICKERS), rows_read(lake, publication, TICKER_EVENTS))
    window = new_york().between(new_york().offset(session, 1 - LOOKBACK_SESSIONS), session)
    day = with_minutes(day.lazy(), rows_read(lake, publication, INTRADAY_FEATURES).lazy()).collect()
    return candidates(with_reference(day, listed, rows_read(lake, publication, SPLITS), window), MODELS)


def as_committed(lake: Lake, publication: Publication) -> pl.DataFrame:
    """Return the lists as the publication wrote them. Raises TableMissing when the version was vacuumed."""
    session = publication.session
    return stored(lake, CANDIDATES, publication.version, session, session).sort("model", "rank")


def rows_read(lake: Lake, publication: Publication, table: Table) -> pl.DataFrame:
    """Return the rows of `table` that the publication was made from: of its session, or all of a whole table.

    Raises TableMissing when the version was vacuumed.
    """
    version = publication.read.get(table.sql_name)
    if version is None:
        return table.empty()
    span = (publication.session, publication.session) if table.session else (None, None)
    return stored(lake, table, version, *span)


def stored(lake: Lake, table: Table, version: int, start: date | None, end: date | None) -> pl.DataFrame:
    """Return the rows that `version` of a table holds. Raises TableMissing when a vacuum has taken its files."""
    try:
        return lake.scan(table, start, end, version=version).collect()
    except FileNotFoundError as vacuumed:
        raise TableMissing(
            f"Version {version} of {table.sql_name} can no longer be read: a vacuum removed its files.",
            remedy="CANDLELAKE_RETENTION_DAYS says how long versions are kept; raise it for the lists to come.",
        ) from vacuumed
