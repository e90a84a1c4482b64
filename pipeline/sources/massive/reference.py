"""Reference data: tickers, splits, dividends and renames, and the vendor's REST API as the source of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS, told_columns
from pipeline.errors import NotPublished
from pipeline.sources.massive.reference_rows import Row, dividend_rows, event_rows, split_rows, ticker_rows
from pipeline.sources.massive.rest import Rest, segment
from pipeline.sources.massive.rest_refusals import strange

TICKERS_PATH = "/v3/reference/tickers"
SPLITS_PATH = "/stocks/v1/splits"
DIVIDENDS_PATH = "/stocks/v1/dividends"

TICKERS_A_PAGE = 1_000
EVENTS_A_PAGE = 5_000
"""Rows a page may have at most: splits and dividends."""


@dataclass(frozen=True)
class ToldEvents:
    """What a source tells of renames."""

    rows: pl.DataFrame
    """The vendor's own columns of `reference/ticker_events`."""
    figis: Sequence[str] | None
    """The securities that the rows tell all of; None when of every security."""


class ReferenceSource(Protocol):
    """A source of reference data. Each answer is whole, or an error; its columns are the vendor's own of the table."""

    def tickers(self) -> pl.DataFrame:
        """Return every security, listed and delisted."""

    def splits(self) -> pl.DataFrame:
        """Return every split."""

    def dividends(self) -> pl.DataFrame:
        """Return every cash dividend."""

    def ticker_events(self, figis: Sequence[str]) -> ToldEvents:
        """Return the tickers that the securities of `figis` took, or those of every security when that is as easy."""


class NoReference:
    """No source of reference data: nothing is known of tickers, splits and dividends."""

    def __repr__(self) -> str:
        return "no source of reference data"

    def tickers(self) -> pl.DataFrame:
        """Return no row."""
        return pl.DataFrame(schema=told_columns(TICKERS))

    def splits(self) -> pl.DataFrame:
        """Return no row."""
        return pl.DataFrame(schema=told_columns(SPLITS))

    def dividends(self) -> pl.DataFrame:
        """Return no row."""
        return pl.DataFrame(schema=told_columns(DIVIDENDS))

    def ticker_events(self, figis: Sequence[str]) -> ToldEvents:  # noqa: ARG002 (of none, nothing is known)
        """Return no row, told of nobody."""
        return ToldEvents(pl.DataFrame(schema=told_columns(TICKER_EVENTS)), figis=())


class RestReference:
    """Reference data from the vendor's REST API. Raises what `Rest` does; AnswerRefused for rows without a ticker."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def __repr__(self) -> str:
        return f"the REST API at {self._rest.base}"

    def tickers(self) -> pl.DataFrame:
        """Return every stock, listed and delisted: about 35 pages."""

        def pages() -> Iterator[list[dict]]:
            for active in (True, False):
                yield from self._rest.pages(TICKERS_PATH, market="stocks", active=active, limit=TICKERS_A_PAGE)

        return ticker_rows(pages(), self._place(TICKERS_PATH))

    def splits(self) -> pl.DataFrame:
        """Return every split: about ten pages."""
        return split_rows(self._rest.pages(SPLITS_PATH, limit=EVENTS_A_PAGE), self._place(SPLITS_PATH))

    def dividends(self) -> pl.DataFrame:
        """Return every cash dividend: about 140 pages."""
        return dividend_rows(self._rest.pages(DIVIDENDS_PATH, limit=EVENTS_A_PAGE), self._place(DIVIDENDS_PATH))

    def ticker_events(self, figis: Sequence[str]) -> ToldEvents:
        """Return the tickers that the securities of `figis` took: a call each, none for the unknown."""
        securities = [security for figi in figis if (security := self._security(figi)) is not None]
        return ToldEvents(event_rows(securities, self._place("/vX/reference/tickers")), figis)

    def _security(self, figi: str) -> Row | None:
        path = f"/vX/reference/tickers/{segment(figi)}/events"
        try:
            answer = self._rest.get(path, types="ticker_change")
        except NotPublished:
            return None
        security = answer.get("results")
        if not isinstance(security, dict):
            raise strange(self._place(path), "the answer has no results")
        # Asked by FIGI, it is about that FIGI, whether the answer repeats it or not.
        return {**security, "composite_figi": figi}

    def _place(self, path: str) -> str:
        return f"{path} at {self._rest.base}"
