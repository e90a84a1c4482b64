"""Bars on the price basis of a day: adjusted for later splits, and for later dividends when requested. Pure.

A price of a session s on the basis of a day d is price × Π split_from / Π split_to over the splits executed after s and
no later than d; a volume is multiplied by the inverse. With dividends, prices are multiplied by the factors of those
that went ex after s and no later than d, too (see `dividends`). The products of both sides of the ratios are taken
first, and are exact for whole numbers, so that 30.00 before a 3:1 split is 10.00 and not a rounding of it. The vendor's
cumulative factor is never used: it changes with every new event, and what was known on a day does not.
"""

from datetime import date
from typing import Literal, get_args

import polars as pl

from pipeline.errors import QueryError
from pipeline.market.prices.dividends import applied_dividends, dividend_events
from pipeline.market.prices.splits import RATIO, require_sound

PRICES = ("open", "high", "low", "close")
VOLUME = "volume"

Basis = Literal["split", "total_return", "none"]
"""What prices are adjusted for: splits; splits and cash dividends; nothing."""

FACTORS = (*RATIO, "dividend_factor")


def adjusted(
    bars: pl.DataFrame, splits: pl.DataFrame, dividends: pl.DataFrame, as_of: date, basis: Basis = "split"
) -> pl.DataFrame:
    """Return the `bars` of sessions up to `as_of` with open, high, low, close and volume on the basis of that day.

    Rows and columns keep their order; a row without an event after it keeps its exact numbers. `bars` are rows of
    `stocks/daily_bars`, as traded; `splits`: ticker, execution_date, split_from, split_to; `dividends`: ticker,
    ex_dividend_date, cash_amount. A dividend without a bar before it, or as large as the close before it, is left out;
    `dividends.unapplied_dividends` names those.
    Raises ContractBroken when a ticker has two events on a day, or an impossible number; QueryError for another basis.
    """
    return on_basis_of(as_of, bars, events_of(bars, splits, dividends, basis))


def events_of(
    bars: pl.DataFrame, splits: pl.DataFrame, dividends: pl.DataFrame, basis: Basis = "split"
) -> pl.DataFrame:
    """Return the events that change prices, one row per ticker and day, with split_from, split_to, dividend_factor.

    Arguments and errors are those of `adjusted`. A factor that does not apply is 1.
    """
    if basis not in get_args(Basis):
        raise QueryError(f"Prices have no basis {basis!r}.", remedy=f"Ask for one of {', '.join(get_args(Basis))}.")
    ratios = split_events(splits)
    if basis == "none":
        return ratios.clear()
    if basis == "split":
        return ratios
    paid = applied_dividends(dividend_events(bars, splits, dividends))
    both = ratios.drop("dividend_factor").join(paid, on=["ticker", "day"], how="full", coalesce=True)
    return both.with_columns(pl.col(FACTORS).fill_null(1.0))


def split_events(splits: pl.DataFrame) -> pl.DataFrame:
    """Return `splits` as `events_of` does for the basis "split"."""
    ratios = require_sound(splits, "execution_date", RATIO)
    return ratios.select("ticker", pl.col(RATIO).cast(pl.Float64), day="execution_date", dividend_factor=1.0)


def on_basis_of(as_of: date, bars: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return the `bars` as traded of sessions up to `as_of` on the basis of that day, by `events` (of `events_of`)."""
    bars_until = _until(bars, as_of)
    in_time = events.filter(pl.col("day") <= as_of)
    newest = in_time.group_by("ticker").agg(newest=pl.col("day").max())
    touched = _rows_of(bars_until, newest).filter(pl.col("session") < pl.col("newest"))
    if touched.is_empty():
        return bars_until
    # Each day's product over all events from it on: a bar takes that of the first event after it.
    onward = in_time.sort("ticker", "day").with_columns(pl.col(FACTORS).cum_prod(reverse=True).over("ticker"))
    touched_rows = touched.sort("session").join_asof(
        onward.sort("day"),
        left_on="session",
        right_on="day",
        by="ticker",
        strategy="forward",
        allow_exact_matches=False,
        # Polars cannot look at the order within tickers, and warns; both sides were just sorted.
        check_sortedness=False,
    )
    return _multiplied(bars_until, touched_rows)


def rebased(bars: pl.DataFrame, events: pl.DataFrame, was: date, as_of: date) -> pl.DataFrame:
    """Return `bars` on the basis of the day `was`, put on that of `as_of`, those of sessions up to `as_of`.

    The same as `adjusted` for `as_of`, apart from rounding, and without the bars after `was`.
    `events` are those of `events_of`, for the basis on which `bars` stand and from bars as traded.
    """
    bars_until = _until(bars, as_of)
    first, last = sorted((was, as_of))
    between = events.filter(pl.col("day") > first, pl.col("day") <= last)
    product = between.group_by("ticker").agg(pl.col(FACTORS).product())
    if as_of < was:
        swapped = {"split_from": pl.col("split_to"), "split_to": pl.col("split_from")}
        product = product.with_columns(**swapped, dividend_factor=1 / pl.col("dividend_factor"))
    touched = _rows_of(bars_until, product)
    return bars_until if touched.is_empty() else _multiplied(bars_until, touched)


def _until(bars: pl.DataFrame, as_of: date) -> pl.DataFrame:
    newest = bars["session"].max()
    return bars if newest is None or newest <= as_of else bars.filter(pl.col("session") <= as_of)  # type: ignore[operator]


def _rows_of(bars: pl.DataFrame, tickers: pl.DataFrame) -> pl.DataFrame:
    """Return ticker, session and `row` number of the bars of `tickers`, with the columns of these."""
    numbered = bars.lazy().select("ticker", "session", row=pl.int_range(pl.len()))
    return numbered.join(tickers.lazy(), on="ticker").collect()


def _multiplied(bars: pl.DataFrame, touched_rows: pl.DataFrame) -> pl.DataFrame:
    """Return `bars` with the prices and volumes of the rows in `found` multiplied by its factors."""
    at = touched_rows["row"].to_numpy()
    old, new, paid = (touched_rows[name].to_numpy() for name in FACTORS)
    columns = []
    for name in (*PRICES, VOLUME):
        values = bars[name].to_numpy(writable=True)
        values[at] = values[at] * new / old if name == VOLUME else values[at] * old / new * paid
        columns.append(pl.Series(name, values))
    return bars.with_columns(columns)
