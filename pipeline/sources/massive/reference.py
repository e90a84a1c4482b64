"""Reference data: tickers, splits, dividends and renames, and the vendor's REST API as the source of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS, vendor_columns
from pipeline.errors import NotPublished
from pipeline.sources.massive.reference_rows import Row, dividend_rows, event_rows, split_rows, ticker_rows
from pipeline.sources.massive.rest import Rest, segment
from pipeline.sources.massive.rest_refusals import unexpected_answer

TICKERS_PATH = "/v3/reference/tickers"
SPLITS_PATH = "/stocks/v1/splits"
DIVIDENDS_PATH = "/stocks/v1/dividends"

TICKERS_PER_PAGE = 1_000
EVENTS_PER_PAGE = 5_000
"""Most rows per page of splits and dividends."""


@dataclass(frozen=True)
class TickerEvents:
    """A source's answer about renames."""

    rows: pl.DataFrame
    """The vendor's own columns of `reference/ticker_events`."""
    figis: Sequence[str] | None
    """The securities that the rows cover in full; None for every security."""


class ReferenceSource(Protocol):
    """A source of reference data. Each answer is complete, or an error; its columns are the table's vendor columns."""

    def tickers(self) -> pl.DataFrame:
        """Return every security, listed and delisted."""

    def splits(self) -> pl.DataFrame:
        """Return every split."""

    def dividends(self) -> pl.DataFrame:
        """Return every cash dividend."""

    def ticker_events(self, figis: Sequence[str]) -> TickerEvents:
        """Return the tickers that the securities of `figis` took, or those of every security if that is as easy."""


class NoReference:
    """No source of reference data: nothing is known of tickers, splits and dividends."""

    def __repr__(self) -> str:
        return "no source of reference data"

    def tickers(self) -> pl.DataFrame:
        """Return no row."""
        return pl.DataFrame(schema=vendor_columns(TICKERS))

    def splits(self) -> pl.DataFrame:
        """Return no row."""
        return pl.DataFrame(schema=vendor_columns(SPLITS))

    def dividends(self) -> pl.DataFrame:
        """Return no row."""
        return pl.DataFrame(schema=vendor_columns(DIVIDENDS))

    def ticker_events(self, figis: Sequence[str]) -> TickerEvents:  # noqa: ARG002 (there is no source)
        """Return no row, for no security."""
        return TickerEvents(pl.DataFrame(schema=vendor_columns(TICKER_EVENTS)), figis=())


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
                yield from self._rest.pages(TICKERS_PATH, market="stocks", active=active, limit=TICKERS_PER_PAGE)

        return ticker_rows(pages(), self._place(TICKERS_PATH))

    def splits(self) -> pl.DataFrame:
        """Return every split: about ten pages."""
        return split_rows(self._rest.pages(SPLITS_PATH, limit=EVENTS_PER_PAGE), self._place(SPLITS_PATH))

    def dividends(self) -> pl.DataFrame:
        """Return every cash dividend: about 140 pages."""
        return dividend_rows(self._rest.pages(DIVIDENDS_PATH, limit=EVENTS_PER_PAGE), self._place(DIVIDENDS_PATH))

    def ticker_events(self, figis: Sequence[str]) -> TickerEvents:
        """Return the tickers that the securities of `figis` took: one call each; unknown securities are left out."""
        securities = [security for figi in figis if (security := self._security(figi)) is not None]
        return TickerEvents(event_rows(securities, self._place("/vX/reference/tickers")), figis)

    def _security(self, figi: str) -> Row | None:
        path = f"/vX/reference/tickers/{segment(figi)}/events"
        try:
            answer = self._rest.get(path, types="ticker_change")
        except NotPublished:
            return None
        security = answer.get("results")
        if not isinstance(security, dict):
            raise unexpected_answer(self._place(path), "the answer has no results")
        # The request was for this FIGI, so the answer is about it, whether it repeats the FIGI or not.
        return {**security, "composite_figi": figi}

    def _place(self, path: str) -> str:
        return f"{path} at {self._rest.base}"
