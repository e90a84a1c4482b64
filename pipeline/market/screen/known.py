"""Columns for models beside bars and indicators: security type, splits in doubt, features of minutes. Pure."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.market.prices.point_in_time import in_doubt, splits_in_doubt
from pipeline.market.screen.rank import SPLIT_IN_DOUBT
from pipeline.market.securities.listings import with_listing
from pipeline.market.securities.own_bars import with_later_tickers


def with_reference(
    day: pl.DataFrame, listed: pl.DataFrame, splits: pl.DataFrame, sessions: Sequence[date], lookback: int
) -> pl.DataFrame:
    """Return `day` (one row per ticker and session) with `type` and `split_in_doubt`, as far as they are known.

    `listed` are listings and `splits` the rows of `reference/splits`; without listings there is no `type`, and without
    splits no `split_in_doubt`, so that a filter by them counts as not applied. A doubt under a former ticker counts for
    the later one, whose windows hold those bars. `sessions` are the exchange's, in order,
    from the first of the look-back before the day's first on; `lookback` is how many sessions a window has.
    """
    typed = day if listed.is_empty() else with_listing(day, listed)
    if splits.is_empty():
        return typed
    doubtful = with_later_tickers(splits_in_doubt(splits), "execution_date", listed)
    return typed.with_columns(in_doubt(day, doubtful, sessions, lookback).alias(SPLIT_IN_DOUBT))


def with_minutes(day: pl.LazyFrame, features: pl.LazyFrame) -> pl.LazyFrame:
    """Return `day` with the features of its sessions' minutes, null where `features` has no row.

    `features` are rows of `stocks/intraday_features`; each is about its own session only.
    """
    return day.join(features.select(list(INTRADAY_FEATURES.columns)), on=["ticker", "session"], how="left")
