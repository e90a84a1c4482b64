"""Days of bars from the vendor's REST API: in place of a session's flat file, until it is published or for good.

For the whole market, each session is one answer, stored unchanged. For chosen tickers, the vendor answers by ticker;
the answers are rearranged into one document per session of the same shape, with numbers in their shortest form.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol

from pipeline.errors import AnswerRefused, NotPublished
from pipeline.sources.massive.grouped_daily import REMEDY
from pipeline.sources.massive.rest import Rest, segment
from pipeline.sources.port import Download, FlatFile, not_published
from pipeline.venues.us_stocks import US_STOCKS

MOST_BARS = 50_000
"""Most base bars per page of the vendor."""

Row = dict[str, Any]
"""A bar as the vendor's JSON has it."""


class RestDays(Protocol):
    """A source of documents, one per session, for `grouped_daily.parse_answer`."""

    @property
    def tickers(self) -> tuple[str, ...] | None:
        """The requested tickers; None for the whole market."""

    def documents(self, sessions: Sequence[date]) -> Iterator[tuple[date, bytes]]:
        """Yield the document of each of `sessions`, in order. Raises as `Rest.get` does; NotPublished without a bar."""


class MarketDays:
    """Every ticker of a session in one answer and one call: the vendor's grouped daily aggregates, without OTC."""

    tickers = None

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def documents(self, sessions: Sequence[date]) -> Iterator[tuple[date, bytes]]:
        """Yield the vendor's answer for each session, byte for byte. Raises as `Rest.get` does."""
        for session in sessions:
            path = f"/v2/aggs/grouped/locale/us/market/stocks/{session}"
            yield session, self._rest.document(path, adjusted=False, include_otc=False)


class TickerDays:
    """Chosen tickers: one call per ticker for a whole range of sessions."""

    def __init__(self, rest: Rest, tickers: Sequence[str]) -> None:
        self.tickers: tuple[str, ...] = tuple(tickers)
        self._rest = rest

    def documents(self, sessions: Sequence[date]) -> Iterator[tuple[date, bytes]]:
        """Yield a document for each session, with the tickers' bars.

        Raises as `Rest.get` does, NotPublished when no ticker has a bar in one of the sessions.
        """
        rows = [
            row
            for ticker in self.tickers
            for row in ticker_rows(self._rest, ticker, sessions[0], sessions[-1], adjusted=False)
        ]
        by_session = rows_by_session(rows, sessions)
        empty = [session for session, rows_of_session in by_session.items() if not rows_of_session]
        if empty:
            raise NotPublished(
                f"None of {', '.join(self.tickers)} has a bar in {len(empty)} of {len(sessions)} sessions (first "
                f"{empty[0]}).",
                remedy="Check CANDLELAKE_TICKERS, or run only sessions in which one of them traded.",
            )
        for session, rows_of_session in by_session.items():
            yield session, document_of(rows_of_session, self.tickers)


def ticker_rows(rest: Rest, ticker: str, start: date, end: date, *, adjusted: bool) -> list[Row]:
    """Return the day bars of `ticker` from `start` to `end`, each with its `T`; empty when there are none.

    `adjusted` requests prices and volumes on the basis of all splits up to now. Raises as `Rest.pages` does.
    """
    path = f"/v2/aggs/ticker/{segment(ticker)}/range/1/day/{start}/{end}"
    pages = rest.aggregate_pages(path, adjusted=adjusted, sort="asc", limit=MOST_BARS)
    return [{"T": ticker} | row for page in pages for row in page]


def rows_by_session(rows: Sequence[Row], sessions: Sequence[date]) -> Mapping[date, list[Row]]:
    """Return the rows of each of `sessions`, in order.

    Rows of other sessions in the range are left out. A row of a day without trading goes to the session before it,
    where it is rejected. Raises AnswerRefused for a row without a time, or of a day
    outside the range.
    """
    by_session: dict[date, list[Row]] = {session: [] for session in sessions}
    for row in rows:
        day = _day(row)
        if not sessions[0] <= day <= sessions[-1]:
            raise AnswerRefused(
                f"A bar of {row['T']} is for {day}, outside the requested {sessions[0]} to {sessions[-1]}.",
                remedy=REMEDY,
            )
        by_session.get(US_STOCKS.calendar.at_or_before(day), []).append(row)
    return by_session


def document_of(rows: Sequence[Row], tickers: Sequence[str]) -> bytes:
    """Return `rows` of one session as a document in the shape of the vendor's grouped daily answer."""
    head = {"status": "OK", "adjusted": False, "tickers": list(tickers), "resultsCount": len(rows)}
    try:
        return json.dumps(head | {"results": list(rows)}, separators=(",", ":")).encode()
    except RecursionError as deep:
        raise AnswerRefused("A bar is nested too deeply to be written.", remedy=REMEDY) from deep


def _day(row: Row) -> date:
    try:
        return US_STOCKS.today(datetime.fromtimestamp(row["t"] / 1000, UTC))
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as timeless:
        raise AnswerRefused(f"A bar of {row['T']} has no readable time: {row!r:.200}.", remedy=REMEDY) from timeless


class NoFlatFiles:
    """The source of flat files for users without any: every session comes from REST."""

    def __repr__(self) -> str:
        return "the REST API, which has no flat files"

    def years(self, *_: object, **__: object) -> list[int]:
        """Return no year."""
        return []

    def sessions(self, *_: object, **__: object) -> list[date]:
        """Return no session."""
        return []

    def files(self, *_: object, **__: object) -> list[FlatFile]:
        """Return no file."""
        return []

    def file(self, dataset: str, session: date) -> FlatFile:
        """Raise NotPublished."""
        raise not_published(dataset, session, repr(self))

    def require_readable(self, file: FlatFile) -> None:
        """Raise NotPublished."""
        raise not_published(file.dataset, file.session, repr(self))

    def download(self, file: FlatFile, *_: object, **__: object) -> Download:
        """Raise NotPublished."""
        raise not_published(file.dataset, file.session, repr(self))
