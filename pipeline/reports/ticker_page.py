"""The page of a ticker: its bars and indicators on one basis, why it is listed, and what became of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from pipeline.reports import notices as warnings
from pipeline.reports.frames import by_ticker, require_columns
from pipeline.reports.key_figures import SHOWN, Figure, key_figures

CHARTED = (
    *("open", "high", "low", "close", "volume"),
    *("sma_50", "sma_200", "macd", "macd_signal", "macd_histogram", "rsi_14"),
)
"""Columns of bars and indicators that the chart draws."""

HISTORY = tuple(dict.fromkeys(("session", *CHARTED, *SHOWN, "td_setup", "support", "resistance")))
"""Columns that the history of a ticker must have."""

LISTED = ("session", "model", "model_version", "rank", "score", "close", "contributions", "reasons", "passed")

PAST_SHOWN = 30
"""So many earlier places on the lists are shown, the newest first."""


@dataclass(frozen=True, eq=False)
class TickerTables:
    """The frames that ticker pages are made from. What lies after the page's session is not shown."""

    history: pl.DataFrame
    """Bars with their indicators (HISTORY), all prices on one basis, as far back as the chart shall reach."""
    basis: str
    """What the prices are, such as "USD, adjusted for splits to 2024-06-28"."""
    listed: pl.DataFrame
    """Rows of `stocks/candidates` of the session and before."""
    splits: pl.DataFrame | None = None
    """`ticker`, `execution_date`, `split_from`, `split_to`; None when they are not known."""
    trades: pl.DataFrame | None = None
    """Entries and exits: `ticker`, `session`, `side` ("entry" or "exit"), `quantity`, `price` on the same basis."""
    signals: pl.DataFrame | None = None
    """Sell signals of holdings: `ticker`, `rule`, `severity`, `reasons`."""
    securities: pl.DataFrame | None = None
    """`ticker`, `name`, `type`, `primary_exchange`, one row per ticker."""


@dataclass(frozen=True)
class Contribution:
    """What one factor added to the score."""

    factor: str
    value: float | None
    zscore: float
    weight: float
    contribution: float


@dataclass(frozen=True)
class Listing:
    """The ticker's place on a model's list of the session."""

    model: str
    version: int
    rank: int
    passed: int
    score: float
    contributions: tuple[Contribution, ...]
    reasons: tuple[str, ...]

    @property
    def largest(self) -> float:
        """Return the contribution furthest from 0, by which the bars are scaled."""
        return max((abs(one.contribution) for one in self.contributions), default=0.0)


@dataclass(frozen=True)
class PastListing:
    """The ticker's place on a list."""

    session: date
    model: str
    rank: int
    score: float
    close: float
    """As traded."""


@dataclass(frozen=True)
class Split:
    """`split_from` old shares became `split_to` new ones before `session` opened."""

    session: date
    split_from: float
    split_to: float


@dataclass(frozen=True)
class Trade:
    """An entry or exit of a position."""

    session: date
    side: str
    quantity: float
    price: float


@dataclass(frozen=True)
class Signal:
    """A reason to sell the holding."""

    rule: str
    severity: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TickerPage:
    """What the page of a ticker shows."""

    ticker: str
    session: date
    name: str | None
    security: str
    """Type and exchange, as the vendor's codes; empty when they are not known."""
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
    """Places on lists in all, of which `past` are the newest."""
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
    frames = {name: getattr(tables, name) for name in _NEEDED}
    given = {name: frame for name, frame in frames.items() if frame is not None}
    for name, frame in given.items():
        require_columns(frame, ("ticker", *_NEEDED[name]), f"the {name}")
    # First those of the pages: to cut up a frame of all securities costs more than all pages.
    parts = {name: by_ticker(frame.filter(pl.col("ticker").is_in(list(tickers)))) for name, frame in given.items()}
    for place, ticker in enumerate(tickers):
        own = {name: parts[name].get(ticker, frame.clear()) for name, frame in given.items()}
        yield replace(
            _page(session, ticker, replace(tables, **own), notices),
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
}
"""The frames of TickerTables, and the columns each must have beside `ticker`."""


def _page(session: date, ticker: str, tables: TickerTables, notices: Sequence[str]) -> TickerPage:
    """Return the page of `ticker`; `tables` hold its rows only."""
    history = tables.history.filter(pl.col("session") <= session).sort("session").fill_nan(None)
    latest = history.row(-1, named=True) if len(history) else {}
    last = latest.get("session")
    missing = () if last == session else (warnings.no_bar(session, last),)
    listed = tables.listed.filter(pl.col("session") <= session).sort(["session", "model"], descending=[True, False])
    security = _first(tables.securities)
    return TickerPage(
        ticker=ticker,
        session=session,
        name=security.get("name"),
        security=" · ".join(filter(None, (security.get("type"), security.get("primary_exchange")))),
        basis=tables.basis,
        notices=(*missing, *notices),
        bars=history.select("session", *CHARTED, "td_setup"),
        latest=latest,
        figures=key_figures(latest),
        listings=tuple(map(_listing, listed.filter(pl.col("session") == session).iter_rows(named=True))),
        past=_past(listed.head(PAST_SHOWN)),
        times_listed=len(listed),
        listed_on=tuple(listed["session"].unique().sort()),
        splits=_splits(tables.splits, session),
        trades=_trades(tables.trades, session),
        signals=_signals(tables.signals),
    )


def _first(frame: pl.DataFrame | None) -> Mapping[str, Any]:
    return frame.row(0, named=True) if frame is not None and len(frame) else {}


def _listing(row: Mapping[str, Any]) -> Listing:
    return Listing(
        model=row["model"],
        version=row["model_version"],
        rank=row["rank"],
        passed=row["passed"],
        score=row["score"],
        contributions=tuple(Contribution(**one) for one in row["contributions"]),
        reasons=tuple(row["reasons"]),
    )


def _past(listed: pl.DataFrame) -> tuple[PastListing, ...]:
    rows = listed.select("session", "model", "rank", "score", "close")
    return tuple(PastListing(*row) for row in rows.iter_rows())


def _splits(splits: pl.DataFrame | None, session: date) -> tuple[Split, ...] | None:
    if splits is None:
        return None
    known = splits.filter(pl.col("execution_date") <= session).sort("execution_date")
    return tuple(Split(*row) for row in known.select("execution_date", "split_from", "split_to").iter_rows())


def _trades(trades: pl.DataFrame | None, session: date) -> tuple[Trade, ...]:
    if trades is None:
        return ()
    known = trades.filter(pl.col("session") <= session).sort("session")
    return tuple(Trade(*row) for row in known.select("session", "side", "quantity", "price").iter_rows())


def _signals(signals: pl.DataFrame | None) -> tuple[Signal, ...]:
    if signals is None:
        return ()
    rows = signals.select("rule", "severity", "reasons").iter_rows()
    return tuple(Signal(rule, severity, tuple(reasons)) for rule, severity, reasons in rows)
