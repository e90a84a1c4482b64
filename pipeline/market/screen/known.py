"""Columns for models beside bars and indicators: security type, doubts, features of minutes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.market.prices.point_in_time import in_doubt, is_before_taken, splits_in_doubt
from pipeline.market.screen.rank import PRICE_DOUBT, SPLIT_IN_DOUBT
from pipeline.market.securities.listings import NO_LISTINGS, with_listing
from pipeline.market.securities.own_bars import with_owners


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the tickers of a day beside their bars and indicators."""

    listed: pl.DataFrame
    """Listings."""
    splits: pl.DataFrame
    """Rows of `reference/splits`."""
    doubts: pl.DataFrame | None
    """Rows of `stocks/price_doubts` in the look-back; None where prices were never checked."""


def with_known(day: pl.DataFrame, known: Known, sessions: Sequence[date], lookback: int) -> pl.DataFrame:
    """Return `day` with all columns that `known` has for it: those of `with_reference` and `with_price_doubts`."""
    with_types = with_reference(day, known.listed, known.splits, sessions, lookback)
    if known.doubts is None:
        return with_types
    return with_price_doubts(with_types, known.doubts, sessions, lookback, known.listed)


def with_reference(
    day: pl.DataFrame, listed: pl.DataFrame, splits: pl.DataFrame, sessions: Sequence[date], lookback: int
) -> pl.DataFrame:
    """Return `day` (one row per ticker and session) with `type` and `split_in_doubt`, as far as they are known.

    `listed` are listings and `splits` the rows of `reference/splits`; without listings there is no `type`, and without
    splits no `split_in_doubt`, so that a filter by them counts as not applied. A doubt under a former ticker counts for
    the later one, whose windows hold those bars; a doubt about a security that had the ticker before counts no longer.
    `sessions` are the exchange's, in order, from the first of the look-back before the day's first on; `lookback` is
    how many sessions a window has.
    """
    typed = day if listed.is_empty() else with_listing(day, listed)
    if splits.is_empty():
        return typed
    doubtful = with_owners(splits_in_doubt(splits), "execution_date", listed)
    return typed.with_columns(in_doubt(day, doubtful, sessions, lookback).alias(SPLIT_IN_DOUBT))


def with_price_doubts(
    day: pl.DataFrame,
    doubts: pl.DataFrame,
    sessions: Sequence[date],
    lookback: int,
    listed: pl.DataFrame = NO_LISTINGS,
) -> pl.DataFrame:
    """Return `day` (one row per ticker and session) with `price_doubt`: what leaves the ticker out, in words, or null.

    `doubts` are rows of `stocks/price_doubts`. One that leaves its ticker out does so from the session at whose close
    it is known, for as long as a session before the day that it is about lies in the window; after a rename it leaves
    the later ticker out. `sessions`, `lookback` and `listed` are those of `with_reference`.
    """
    exchange = pl.Series(sessions, dtype=pl.Date)
    leaving = with_owners(doubts.filter("leaves_out"), "event_date", listed)
    first = exchange.search_sorted(leaving["session"], side="left").cast(pl.Int64)
    event = exchange.search_sorted(leaving["event_date"], side="left").cast(pl.Int64)
    spans = leaving.select("ticker", "event_date", "reading", "taken_on", first=first, last=event + lookback - 2)
    places = pl.DataFrame({"session": exchange, "place": pl.int_range(len(exchange), eager=True)})
    readings = (
        day.select("ticker", "session")
        .join(spans, on="ticker")
        .join(places, on="session")
        .filter(pl.col("place").is_between("first", "last"), is_before_taken())
        # The one known last knows most: a split without a jump is told twice, once the jump is there.
        .sort("first", "event_date", "reading")
        .group_by("ticker", "session")
        .agg(pl.col("reading").last().alias(PRICE_DOUBT))
    )
    return day.join(readings, on=["ticker", "session"], how="left", maintain_order="left")


def with_minutes(day: pl.LazyFrame, features: pl.LazyFrame) -> pl.LazyFrame:
    """Return `day` with the features of its sessions' minutes, null where `features` has no row.

    `features` are rows of `stocks/intraday_features`; each is about its own session only.
    """
    return day.join(features.select(list(INTRADAY_FEATURES.columns)), on=["ticker", "session"], how="left")
