"""Doubts about prices as the lake has them: those in force, the sessions without, and the words for a run."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.contracts.price_doubts import PRICE_DOUBTS
from pipeline.contracts.reference import SPLITS
from pipeline.lake.delta.commits import Reading
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.market.portfolio.doubts import doubts_about_prices, split_doubts
from pipeline.market.securities.reference import doubted_splits
from pipeline.queries.session_writings import newest_writings

NOT_CHECKED = (
    "Prices were not held against splits and dividends in {} of the sessions in the look-back of {}, so that an "
    "untold split looks like a gain or a loss there. `candlelake restate` does it."
)

MOST_NAMED = 3
"""Doubts that a run names; the others are counted."""


def in_words(doubts: pl.DataFrame) -> str:
    """Return the `doubts` (rows of `stocks/price_doubts`) as the sentence of a run's report; empty without any."""
    if doubts.is_empty():
        return ""
    newest = doubts.sort("session", "ticker", "kind", descending=[True, False, False])
    named = [f"{row['ticker']}: {row['reading']}" for row in newest.head(MOST_NAMED).iter_rows(named=True)]
    more = f"; and {len(doubts) - MOST_NAMED:,} more" if len(doubts) > MOST_NAMED else ""
    count = "1 doubt" if len(doubts) == 1 else f"{len(doubts):,} doubts"
    return (
        f"{count} about prices, splits or dividends ({'; '.join(named)}{more}). `candlelake splits` lists them, and "
        "takes your ruling."
    )


def doubts_in_window(lake: Lake, market: Market, session: date) -> pl.DataFrame:
    """Return the doubts known at the close of `session` about days in its window, the newest first.

    Rows of `stocks/price_doubts`; none where the table does not exist.
    """
    window = market.window([session])
    stored = lake.read(market.price_doubts, window[0], session).rows.filter(pl.col("event_date") > window[0])
    return stored.collect().sort("event_date", "ticker", "kind", descending=[True, False, False])


def splits_in_doubt(lake: Lake, market: Market, session: date) -> pl.DataFrame:
    """Return the splits that are in doubt and not applied, of days in the window of `session`, the newest first.

    Rows of `reference/splits`. Those without a date can lie in no window, and are left out.
    """
    window = market.window([session])
    known = doubted_splits(lake.read(SPLITS).rows.collect()) if market.owns(SPLITS) else SPLITS.empty()
    inside = known.filter(pl.col("execution_date") > window[0], pl.col("execution_date") <= session)
    return inside.sort("execution_date", "ticker", descending=[True, False])


def doubts_in_words(lake: Lake) -> pl.DataFrame:
    """Return all splits and prices of US stocks that are in doubt: ticker, day, known_on, and `doubt` in words."""
    splits, doubts = (lake.read(table).rows.collect() for table in (SPLITS, PRICE_DOUBTS))
    return pl.concat([split_doubts(splits), doubts_about_prices(doubts)])


def unchecked_sessions(lake: Lake, market: Market, sessions: Sequence[date]) -> list[date]:
    """Return those of `sessions` with bars whose prices were never held against splits and dividends."""
    if not lake.exists(market.bars):
        return []
    first, last = sessions[0], sessions[-1]
    checked = newest_writings(lake, market.price_doubts)["session"] if lake.exists(market.price_doubts) else ()
    with_bars = newest_writings(lake, market.bars)["session"]
    return sorted({session for session in with_bars if first <= session <= last} - set(checked))


def unchecked_warnings(lake: Lake, market: Market, session: date) -> list[str]:
    """Return the warning that the window of `session` has prices that were never checked; none where all were."""
    unchecked = len(unchecked_sessions(lake, market, market.window([session])))
    return [NOT_CHECKED.format(f"{unchecked:,}", session)] if unchecked else []


def known_doubts(doubts: Reading) -> pl.DataFrame | None:
    """Return the doubts for a ranking; None where they were never computed, so that a list says so."""
    return None if doubts.version is None else doubts.rows.collect()
