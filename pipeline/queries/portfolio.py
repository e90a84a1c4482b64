"""The portfolio in the lake: how positions are recorded, and what they are worth at a session."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.portfolio import POSITION_MARKS, POSITIONS, SEVERITIES, SIGNALS
from pipeline.contracts.reference import DIVIDENDS, SPLITS
from pipeline.contracts.table import Table
from pipeline.errors import WriteConflict
from pipeline.lake.delta.commits import Reading
from pipeline.lake.tables import Lake
from pipeline.market.indicators import INDICATORS_TABLE
from pipeline.market.portfolio.book import in_force, oversold, settled
from pipeline.market.portfolio.early_books import with_entries
from pipeline.market.portfolio.lots import Oversold
from pipeline.market.portfolio.positions import held_between, position_marks
from pipeline.market.portfolio.sell.rules import RULES
from pipeline.market.portfolio.sell.signals import BEFORE_SESSIONS, sell_signals
from pipeline.market.securities.reference import applicable_dividends, applicable_splits
from pipeline.venues.calendar import new_york

ATTEMPTS = 20
"""How often a record is tried while others record at the same moment; each time, at least one of them succeeds."""

LONGEST_PAUSE = 0.2
"""Seconds."""


@dataclass(frozen=True)
class Portfolio:
    """What was held at some sessions, and what the rules say of it."""

    marks: pl.DataFrame
    """Rows of `portfolio/position_marks`."""
    signals: pl.DataFrame
    """Rows of `portfolio/signals`."""
    read: tuple[Reading, ...]
    """What they were made from."""


def record(lake: Lake, change: Callable[[pl.DataFrame], pl.DataFrame], *, run_id: str) -> pl.DataFrame:
    """Put what `change` makes of all rows of `portfolio/positions` in their place, and return it.

    When another process records meanwhile, `change` is asked again with what that one has left, so that nothing is
    lost. Raises what `change` raises, and WriteConflict when others were faster every time; nothing is written then.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _recorded(lake, change, run_id)
        except WriteConflict:
            time.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311 (no secret depends on it)
    return _recorded(lake, change, run_id)


def _recorded(lake: Lake, change: Callable[[pl.DataFrame], pl.DataFrame], run_id: str) -> pl.DataFrame:
    known = lake.read(POSITIONS)
    rows = change(_with_what_was_typed(lake, known.rows.collect()))
    lake.refresh(POSITIONS, rows, run_id=run_id, read=[known])
    return rows


def recorded(lake: Lake) -> pl.DataFrame:
    """Return all rows of `portfolio/positions`, by position and revision."""
    return _with_what_was_typed(lake, lake.read(POSITIONS).rows.collect()).sort(POSITIONS.key)


def _with_what_was_typed(lake: Lake, history: pl.DataFrame) -> pl.DataFrame:
    """Return a book in which each sale and term says what was typed, also where it comes from before that was kept."""
    if not history["entry"].null_count():
        return history
    told = lake.read(SPLITS).rows.collect()
    return with_entries(history, lambda moment: applicable_splits(told, moment))


def portfolio(lake: Lake, sessions: Sequence[date]) -> Portfolio:
    """Return the marks and signals of `sessions` (in order), from what the lake holds now.

    Where nothing is held, no bar is read. A table that was never written counts as empty.
    """
    known = lake.read(POSITIONS)
    history = _with_what_was_typed(lake, known.rows.collect())
    before = new_york().offset(sessions[0], -1)
    if history.is_empty():
        return Portfolio(POSITION_MARKS.empty(), SIGNALS.empty(), (known,))
    splits = lake.read(SPLITS)
    applied = applicable_splits(splits.rows.filter(_is_one_of(history["ticker"])).collect())
    book = settled(history, applied)
    positions = held_between(book, sessions[0], sessions[-1])
    if positions.is_empty():
        return Portfolio(POSITION_MARKS.empty(), SIGNALS.empty(), (known, splits))
    opened: date = positions.select(pl.col("opened").min()).item()
    bars = _reading(lake, DAILY_BARS, opened, sessions[-1])
    indicators = _reading(lake, INDICATORS_TABLE, new_york().offset(before, -BEFORE_SESSIONS), sessions[-1])
    dividends = lake.read(DIVIDENDS)
    prices = _of(positions, bars)
    marks = position_marks(
        book,
        prices,
        applied,
        # What a rule said on the session before tells whether it says something new.
        [before, *sessions],
        applicable_dividends(_of(positions, dividends)),
    )
    signals = sell_signals(marks, prices, _of(positions, indicators), RULES)
    is_asked = pl.col("session").is_in(list(sessions))
    return Portfolio(marks.filter(is_asked), signals.filter(is_asked), (known, bars, indicators, splits, dividends))


def standing(lake: Lake, session: date, until: date) -> list[dict[str, Any]]:
    """Return each position held after the day `until`, oldest first: its mark, `opened`, `note` and `signals`.

    The mark is that of `session`, which may lie before `until`: of a position opened in between, of the day it was
    opened.
    """
    not_sold = pl.col("closed").is_null() | (pl.col("closed") > until)
    now_known = in_force(settled(recorded(lake), known_splits(lake)))
    kept = now_known.filter(pl.col("opened") <= until, not_sold).select("position", "opened", "note")
    if kept.is_empty():
        return []
    newest: date = kept.select(pl.col("opened").max()).item()
    found = portfolio(lake, new_york().between(session, max(session, newest)))
    shown_on = pl.max_horizontal("opened", pl.lit(session))
    marks = found.marks.join(kept, on="position").filter(pl.col("session") == shown_on).sort("opened", "position")
    key = ["position", "session"]
    urgency = pl.col("severity").replace_strict(SEVERITIES, range(len(SEVERITIES)), return_dtype=pl.Int32)
    signals = found.signals.sort(urgency, "rule").partition_by(key, as_dict=True)
    none = found.signals.clear()
    return [
        row | {"signals": signals.get((row["position"], row["session"]), none).drop(*key, "ticker").to_dicts()}
        for row in marks.to_dicts()
    ]


def sold(lake: Lake, until: date) -> pl.DataFrame:
    """Return what every sale up to the session `until` has brought, as marks of the sessions of the sales.

    No bar is read: their `close`, `peak` and what follows from these say nothing.
    """
    splits = known_splits(lake)
    book = settled(recorded(lake), splits)
    sales = in_force(book).filter(pl.col("closed") <= until)
    tickers = sales.select("ticker").unique()
    return position_marks(
        book,
        DAILY_BARS.empty(),
        splits,
        sales["closed"].unique().to_list(),
        applicable_dividends(lake.read(DIVIDENDS).rows.collect().join(tickers, on="ticker", how="semi")),
    ).filter("is_closed")


def known_splits(lake: Lake) -> pl.DataFrame:
    """Return the splits that are applied: ticker, execution_date, split_from, split_to."""
    return applicable_splits(lake.read(SPLITS).rows.collect())


def sold_beyond(lake: Lake) -> list[Oversold]:
    """Return the sales of more shares than were held by the splits known now."""
    return oversold(recorded(lake), known_splits(lake))


def are_splits_known(lake: Lake) -> bool:
    """Return whether the vendor was ever asked for splits."""
    return lake.read(SPLITS).version is not None


def _reading(lake: Lake, table: Table, start: date, end: date) -> Reading:
    if lake.exists(table):
        return lake.read(table, start, end)
    return Reading(table, None, table.empty().lazy())


def _of(positions: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """Return the rows of the tickers held."""
    return reading.rows.filter(_is_one_of(positions["ticker"])).collect()


def _is_one_of(tickers: pl.Series) -> pl.Expr:
    return pl.col("ticker").is_in(tickers.unique().implode())
