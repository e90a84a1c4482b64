"""The portfolio in the lake: how positions are recorded, and what they are worth at a session."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.portfolio import POSITION_MARKS, POSITIONS, SEVERITIES, SIGNALS
from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS
from pipeline.contracts.table import Table
from pipeline.lake.delta.commits import Reading
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.market.portfolio.book import in_force, oversold, settled
from pipeline.market.portfolio.doubts import doubts_of_holdings
from pipeline.market.portfolio.early_books import with_entries
from pipeline.market.portfolio.lots import Oversold
from pipeline.market.portfolio.positions import held_between, position_marks
from pipeline.market.portfolio.sell.signals import BEFORE_SESSIONS, sell_signals
from pipeline.market.securities.listings import listings
from pipeline.market.securities.names import tickers_of
from pipeline.market.securities.reference import applicable_dividends, applicable_splits
from pipeline.queries.doubts import doubts_in_words
from pipeline.queries.known_listings import known_listings
from pipeline.queries.recording import recorded


@dataclass(frozen=True)
class Portfolio:
    """What was held at some sessions, and what the rules say about it."""

    marks: pl.DataFrame
    """Rows of `portfolio/position_marks`."""
    signals: pl.DataFrame
    """Rows of `portfolio/signals`."""
    read: tuple[Reading, ...]
    """The tables they were computed from."""


def record(lake: Lake, change: Callable[[pl.DataFrame], pl.DataFrame], *, run_id: str) -> pl.DataFrame:
    """Replace all rows of `portfolio/positions` with what `change` makes of them, and return the new rows.

    When another process records meanwhile, `change` is called again with the new rows, so that nothing is lost. Raises
    what `change` raises, and WriteConflict when others were faster every time; nothing is written then.
    """
    return recorded(lake, POSITIONS, lambda book: change(_with_what_was_typed(lake, book)), run_id=run_id)


def recorded_positions(lake: Lake) -> pl.DataFrame:
    """Return all rows of `portfolio/positions`, by position and revision."""
    return _with_what_was_typed(lake, lake.read(POSITIONS).rows.collect()).sort(POSITIONS.key)


def _with_what_was_typed(lake: Lake, history: pl.DataFrame) -> pl.DataFrame:
    """Return the book with the entry as typed for each sale and term, also for rows from before that was stored."""
    if not history["entry"].null_count():
        return history
    splits = lake.read(SPLITS).rows.collect()
    return with_entries(history, lambda moment: applicable_splits(splits, moment))


def portfolio(lake: Lake, market: Market, sessions: Sequence[date]) -> Portfolio:
    """Return the marks and signals of `sessions` (in order), from what the lake holds now.

    Where nothing is held, no bar is read. A table that was never written counts as empty.
    """
    stored = lake.read(POSITIONS)
    history = _with_what_was_typed(lake, stored.rows.collect())
    before = market.calendar.offset(sessions[0], -1)
    if history.is_empty():
        return Portfolio(POSITION_MARKS.empty(), SIGNALS.empty(), (stored,))
    splits, tickers, events = lake.read(SPLITS), lake.read(TICKERS), lake.read(TICKER_EVENTS)
    listed = listings(tickers.rows.collect(), events.rows.collect())
    applied = applicable_splits(splits.rows.filter(_is_one_of(tickers_of(history, "opened", listed))).collect())
    book = settled(history, applied, listed)
    positions = held_between(book, sessions[0], sessions[-1])
    if positions.is_empty():
        return Portfolio(POSITION_MARKS.empty(), SIGNALS.empty(), (stored, splits, tickers, events))
    had = tickers_of(positions, "opened", listed)
    opened: date = positions.select(pl.col("opened").min()).item()
    bars = _reading(lake, DAILY_BARS, opened, sessions[-1])
    indicators = _reading(lake, market.indicators, market.calendar.offset(before, -BEFORE_SESSIONS), sessions[-1])
    dividends = lake.read(DIVIDENDS)
    prices = _of(had, bars)
    marks = position_marks(
        book,
        prices,
        applied,
        # What a rule said on the session before decides whether it is new.
        [before, *sessions],
        applicable_dividends(_of(had, dividends)),
        listed,
    )
    signals = sell_signals(marks, prices, _of(had, indicators), market.rules, listed)
    is_requested = pl.col("session").is_in(list(sessions))
    return Portfolio(
        marks.filter(is_requested),
        signals.filter(is_requested),
        (stored, bars, indicators, splits, dividends, tickers, events),
    )


def standing(lake: Lake, market: Market, session: date, until: date) -> list[dict[str, Any]]:
    """Return each position held after the day `until`, oldest first: its mark, and more.

    The mark is that of `session`, which may lie before `until`; for a position opened in between, that of the day it
    was opened. Added are `opened`, `note`, `do_not_reduce`, `signals`, and `in_doubt`: in words, the doubts about
    splits and prices within its time.
    """
    not_sold = pl.col("closed").is_null() | (pl.col("closed") > until)
    listed = known_listings(lake)
    in_book = in_force(settled(recorded_positions(lake), known_splits(lake), listed))
    open_positions = in_book.filter(pl.col("opened") <= until, not_sold).select(
        "position", "opened", "note", pl.col("do_not_reduce").fill_null(value=False)
    )
    if open_positions.is_empty():
        return []
    newest: date = open_positions.select(pl.col("opened").max()).item()
    valued = portfolio(lake, market, market.calendar.between(session, max(session, newest)))
    shown_on = pl.max_horizontal("opened", pl.lit(session))
    marks = (
        valued.marks.join(open_positions, on="position")
        .filter(pl.col("session") == shown_on)
        .sort("opened", "position")
    )
    key = ["position", "session"]
    urgency = pl.col("severity").replace_strict(SEVERITIES, range(len(SEVERITIES)), return_dtype=pl.Int32)
    signals = valued.signals.sort(urgency, "rule").partition_by(key, as_dict=True)
    none = valued.signals.clear()
    doubts = doubts_of_holdings(marks, doubts_in_words(lake), listed)
    words = dict(doubts.group_by("position").agg("doubt").iter_rows())
    return [
        row
        | {"in_doubt": words.get(row["position"], [])}
        | {"signals": signals.get((row["position"], row["session"]), none).drop(*key, "ticker").to_dicts()}
        for row in marks.to_dicts()
    ]


def sold(lake: Lake, until: date) -> pl.DataFrame:
    """Return the proceeds of every sale up to the session `until`, as marks of the sessions of the sales.

    No bar is read: `close`, `peak` and what is computed from them mean nothing.
    """
    splits, listed = known_splits(lake), known_listings(lake)
    book = settled(recorded_positions(lake), splits, listed)
    sales = in_force(book).filter(pl.col("closed") <= until)
    tickers = tickers_of(sales, "opened", listed).to_frame("ticker")
    return position_marks(
        book,
        DAILY_BARS.empty(),
        splits,
        sales["closed"].unique().to_list(),
        applicable_dividends(lake.read(DIVIDENDS).rows.collect().join(tickers, on="ticker", how="semi")),
        listed,
    ).filter("is_closed")


def doubts_of_sales(lake: Lake, sales: pl.DataFrame) -> list[str]:
    """Return in words what is in doubt within the time of `sales` (of `sold`, with `opened`), each once."""
    found = doubts_of_holdings(sales, doubts_in_words(lake), known_listings(lake))
    return found.select("day", "doubt").unique().sort("day", "doubt")["doubt"].to_list()


def known_splits(lake: Lake) -> pl.DataFrame:
    """Return the splits that are applied: ticker, execution_date, split_from, split_to."""
    return applicable_splits(lake.read(SPLITS).rows.collect())


def known_dividends(lake: Lake) -> pl.DataFrame:
    """Return the dividends that are applied: ticker, ex_dividend_date, cash_amount."""
    return applicable_dividends(lake.read(DIVIDENDS).rows.collect())


def oversold_sales(lake: Lake) -> list[Oversold]:
    """Return the sales of more shares than were held by the splits known now."""
    return oversold(recorded_positions(lake), known_splits(lake), known_listings(lake))


def are_splits_known(lake: Lake) -> bool:
    """Return whether splits were ever requested from the vendor."""
    return lake.read(SPLITS).version is not None


def _reading(lake: Lake, table: Table, start: date, end: date) -> Reading:
    if lake.exists(table):
        return lake.read(table, start, end)
    return Reading(table, None, table.empty().lazy())


def _of(tickers: pl.Series, reading: Reading) -> pl.DataFrame:
    """Return the rows of `tickers`."""
    return reading.rows.filter(_is_one_of(tickers)).collect()


def _is_one_of(tickers: pl.Series) -> pl.Expr:
    return pl.col("ticker").is_in(tickers.unique().implode())
