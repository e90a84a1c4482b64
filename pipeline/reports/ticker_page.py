"""The page of a ticker: its bars and indicators on one basis, why it is listed, and its trades."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from pipeline.reports import notices as warnings
from pipeline.reports.frames import by_ticker, require_columns
from pipeline.reports.key_figures import KEY_COLUMNS, Figure, key_figures
from pipeline.reports.ticker_rows import (
    Listing,
    PastListing,
    Signal,
    Split,
    Trade,
    items_by_ticker,
    row_by_ticker,
)

CHARTED = (
    *("open", "high", "low", "close", "volume"),
    *("sma_50", "sma_200", "macd", "macd_signal", "macd_histogram", "rsi_14"),
)
"""Columns of bars and indicators that the chart draws."""

HISTORY = tuple(dict.fromkeys(("session", *CHARTED, *KEY_COLUMNS, "td_setup", "support", "resistance")))
"""Columns that the history of a ticker must have."""

LISTED = ("session", "model", "model_version", "rank", "score", "close", "contributions", "reasons", "passed")

PAST_SHOWN = 30
"""Most earlier places on lists shown, the newest first."""


@dataclass(frozen=True, eq=False)
class TickerTables:
    """The frames for ticker pages. Rows after the page's session are not shown."""

    history: pl.DataFrame
    """Bars with their indicators (HISTORY), all prices on one basis, as far back as the chart goes."""
    basis: str
    """The basis of the prices, such as "USD, adjusted for splits to 2024-06-28"."""
    listed: pl.DataFrame
    """Rows of `stocks/candidates` of the session and before."""
    splits: pl.DataFrame | None = None
    """`ticker`, `execution_date`, `split_from`, `split_to`; None when they are unknown."""
    trades: pl.DataFrame | None = None
    """Entries and exits: `ticker`, `session`, `side` ("entry" or "exit"), `quantity`, `price` on the same basis."""
    signals: pl.DataFrame | None = None
    """Sell signals of holdings: `ticker`, `rule`, `severity`, `reasons`."""
    securities: pl.DataFrame | None = None
    """`ticker`, `name`, `type`, `primary_exchange`, one row per ticker."""
    doubts: pl.DataFrame | None = None
    """Doubts about prices in the look-back of the session: `ticker`, `event_date`, `reading`, `evidence`."""
    held_in_doubt: pl.DataFrame | None = None
    """`ticker`, `doubt`: what is in doubt within the time of a holding, in words."""


@dataclass(frozen=True, eq=False)
class TickerPage:
    """The content of a ticker's page."""

    ticker: str
    session: date
    name: str | None
    security: str
    """Type and exchange, as the vendor's codes; empty when they are unknown."""
    basis: str
    notices: tuple[str, ...]
    bars: pl.DataFrame
    """`session` and CHARTED, `td_setup`, by session; may be empty."""
    latest: Mapping[str, Any]
    """The bar and indicators of the last session with a bar; empty when there is none."""
    figures: tuple[Figure, ...]
    listings: tuple[Listing, ...]
    past: tuple[PastListing, ...]
    times_listed: int
    """All places on lists; `past` has the newest."""
    listed_on: tuple[date, ...]
    """Every session with a place on a list, in order."""
    splits: tuple[Split, ...] | None
    trades: tuple[Trade, ...]
    signals: tuple[Signal, ...]
    better: str | None = None
    """The ticker before it in the order of the pages."""
    worse: str | None = None


def ticker_pages(
    session: date, tickers: Sequence[str], tables: TickerTables, *, notices: Sequence[str] = ()
) -> Iterator[TickerPage]:
    """Yield the pages of `tickers` as of `session`, in order, each with its neighbours.

    Raises ContractBroken when a frame lacks a column.
    """
    _require_sound(tables)
    content = _content(session, tickers, tables)
    for place, ticker in enumerate(tickers):
        yield replace(
            _page(session, ticker, tables.basis, content, notices),
            better=tickers[place - 1] if place else None,
            worse=tickers[place + 1] if place + 1 < len(tickers) else None,
        )


def ticker_page(session: date, ticker: str, tables: TickerTables, *, notices: Sequence[str] = ()) -> TickerPage:
    """Return the page of `ticker` as of `session`. Raises ContractBroken when a frame lacks a column."""
    return next(ticker_pages(session, [ticker], tables, notices=notices))


_NEEDED: Mapping[str, tuple[str, ...]] = {
    "history": HISTORY,
    "listed": LISTED,
    "splits": ("execution_date", "split_from", "split_to"),
    "trades": ("session", "side", "quantity", "price"),
    "signals": ("rule", "severity", "reasons"),
    "securities": ("name", "type", "primary_exchange"),
    "doubts": ("event_date", "reading", "evidence"),
    "held_in_doubt": ("doubt",),
}
"""The frames of TickerTables, and the columns each must have beside `ticker`."""


def _require_sound(tables: TickerTables) -> None:
    for name, columns in _NEEDED.items():
        frame: pl.DataFrame | None = getattr(tables, name)
        if frame is not None:
            require_columns(frame, ("ticker", *columns), f"the {name}")


@dataclass(frozen=True, eq=False)
class _Content:
    """The content of each ticker up to the session: all frames are split by ticker once, as page by page is slow."""

    bars: Mapping[str, pl.DataFrame]
    no_bars: pl.DataFrame
    latest: Mapping[str, Mapping[str, Any]]
    listings: Mapping[str, Sequence[Listing]]
    past: Mapping[str, Sequence[PastListing]]
    listed: Mapping[str, tuple[int, Sequence[date]]]
    """Per ticker, how many places on lists it had, and on which sessions."""
    splits: Mapping[str, Sequence[Split]] | None
    trades: Mapping[str, Sequence[Trade]]
    signals: Mapping[str, Sequence[Signal]]
    securities: Mapping[str, Mapping[str, Any]]
    doubts: Mapping[str, Sequence[str]]
    held_in_doubt: Mapping[str, Sequence[str]]


def _content(session: date, tickers: Sequence[str], tables: TickerTables) -> _Content:
    def shown(frame: pl.DataFrame | None, day: str) -> pl.DataFrame | None:
        """Return the rows of the pages' tickers up to the session, oldest first."""
        if frame is None:
            return None
        return frame.filter(is_shown, pl.col(day) <= session).sort(day, maintain_order=True)

    is_shown = pl.col("ticker").is_in(list(tickers))
    history = tables.history.filter(is_shown, pl.col("session") <= session).sort("session").fill_nan(None)
    bars = history.select("ticker", "session", *CHARTED, "td_setup")
    listed = tables.listed.filter(is_shown, pl.col("session") <= session)
    listed = listed.sort(["session", "model"], descending=[True, False])
    newest = listed.group_by("ticker", maintain_order=True).head(PAST_SHOWN)
    counts = listed.group_by("ticker").agg(pl.len(), pl.col("session").unique().sort())
    securities = None if tables.securities is None else tables.securities.filter(is_shown)
    return _Content(
        bars=by_ticker(bars),
        no_bars=bars.clear(),
        latest=row_by_ticker(history.unique("ticker", keep="last")),
        listings=items_by_ticker(listed.filter(pl.col("session") == session), Listing.of),
        past=items_by_ticker(newest, PastListing.of),
        listed={ticker: (times, sessions) for ticker, times, sessions in counts.iter_rows()},
        splits=None if tables.splits is None else items_by_ticker(shown(tables.splits, "execution_date"), Split.of),
        trades=items_by_ticker(shown(tables.trades, "session"), Trade.of),
        signals=items_by_ticker(tables.signals, Signal.of),
        securities=row_by_ticker(securities),
        doubts=items_by_ticker(
            shown(tables.doubts, "event_date"), lambda row: warnings.in_doubt(row["reading"], row["evidence"])
        ),
        held_in_doubt=items_by_ticker(
            tables.held_in_doubt, lambda row: warnings.holding_in_doubt(row["ticker"], row["doubt"])
        ),
    )


def _page(session: date, ticker: str, basis: str, content: _Content, notices: Sequence[str]) -> TickerPage:
    latest = content.latest.get(ticker, {})
    last = latest.get("session")
    missing = () if last == session else (warnings.no_bar(session, last),)
    times_listed, listed_on = content.listed.get(ticker, (0, ()))
    security = content.securities.get(ticker, {})
    return TickerPage(
        ticker=ticker,
        session=session,
        name=security.get("name"),
        security=" · ".join(filter(None, (security.get("type"), security.get("primary_exchange")))),
        basis=basis,
        notices=(
            *missing,
            *content.doubts.get(ticker, ()),
            *content.held_in_doubt.get(ticker, ()),
            *notices,
        ),
        bars=content.bars.get(ticker, content.no_bars).drop("ticker"),
        latest=latest,
        figures=key_figures(latest),
        listings=tuple(content.listings.get(ticker, ())),
        past=tuple(content.past.get(ticker, ())),
        times_listed=times_listed,
        listed_on=tuple(listed_on),
        splits=None if content.splits is None else tuple(content.splits.get(ticker, ())),
        trades=tuple(content.trades.get(ticker, ())),
        signals=tuple(content.signals.get(ticker, ())),
    )
