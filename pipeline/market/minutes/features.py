"""Features of a session's minutes by ticker: formulas of `stocks/intraday_features`. Pure.

The contract has the formula of each column. Realised volatility follows Andersen and Bollerslev, "Answering
the Skeptics: Yes, Standard Volatility Models Do Provide Accurate Forecasts", International Economic Review 39 (1998):
the root of the sum of squared 5-minute returns, prices between trades taken from the last trade before.
"""

from datetime import date, timedelta

import polars as pl

from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.market.prices.splits import split_factors
from pipeline.venues.venue import Venue

OPENING_RANGE = timedelta(minutes=30)
RETURN_INTERVAL = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)

_VOLUME = pl.col("volume")


def intraday_features(minutes: pl.DataFrame, previous_close: pl.DataFrame, session: date, venue: Venue) -> pl.DataFrame:
    """Return the features of every ticker that has a minute, in the columns of `stocks/intraday_features`, sorted.

    `minutes` are the rows of `stocks/minute_bars` of `session`, in any order; `previous_close` has ticker and
    `previous_close`, the daily close of the session before, on the basis of `session`. Regular hours are the venue's.
    """
    spans = venue.regular_hours(session)
    opened, closed = spans[0][0], spans[-1][1]
    ordered = minutes.sort("ticker", "minute").lazy()
    minute = pl.col("minute")
    is_regular = pl.any_horizontal(minute.is_between(*span, closed="left") for span in spans)
    is_opening = is_regular & (minute < opened + OPENING_RANGE)
    is_early = minute < opened

    # A ticker without such a minute has null, not 0: there is no price, and no volume to take a share of.
    through_close = _VOLUME.filter(is_regular | (minute == closed)).sum()
    typical = (pl.col("high") + pl.col("low") + pl.col("close")) / 3
    opening = pl.col("open").filter(is_opening).first()
    aggregated = ordered.group_by("ticker", maintain_order=True).agg(
        vwap=_ratio((typical * _VOLUME).filter(is_regular).sum(), _VOLUME.filter(is_regular).sum()),
        opening_range_high=pl.col("high").filter(is_opening).max() / opening - 1,
        opening_range_low=pl.col("low").filter(is_opening).min() / opening - 1,
        premarket_close=pl.col("close").filter(is_early).last(),
        premarket_volume=_VOLUME.filter(is_early).sum(),
        close_auction_share=_ratio(_VOLUME.filter(minute == closed).sum(), through_close),
        last_minute_share=_ratio(_VOLUME.filter(minute == closed - MINUTE).sum(), through_close),
    )
    return (
        aggregated.join(_realised_volatility(ordered.filter(is_regular)), on="ticker", how="left")
        .join(previous_close.lazy(), on="ticker", how="left")
        .with_columns(session=pl.lit(session), premarket_gap=pl.col("premarket_close") / pl.col("previous_close") - 1)
        .select(list(INTRADAY_FEATURES.columns))
        .sort("ticker")
        .collect()
    )


def close_before(bars: pl.DataFrame, splits: pl.DataFrame, before: date, session: date) -> pl.DataFrame:
    """Return ticker and `previous_close` of the daily `bars` of the session `before`, on the basis of `session`.

    `splits` are those that may be applied; see `split_factors` for their columns and for errors.
    """
    closes = bars.filter(pl.col("session") == before).select("ticker", "close")
    spans = closes.with_columns(since=pl.lit(before), until=pl.lit(session))
    adjusted = pl.col("close") * pl.col("split_factor")
    return split_factors(splits, spans).select("ticker", previous_close=adjusted)


def _realised_volatility(regular: pl.LazyFrame) -> pl.LazyFrame:
    """Return ticker and `realised_volatility` of minutes in regular hours, in the order of ticker and minute."""
    intervals = regular.group_by(
        "ticker", interval=pl.col("minute").dt.truncate(RETURN_INTERVAL), maintain_order=True
    ).agg(pl.col("open").first(), pl.col("close").last())
    before = pl.col("close").shift().over("ticker").fill_null(pl.col("open"))
    squared = (pl.col("close") / before).log().pow(2)
    by_ticker = intervals.with_columns(squared=squared).group_by("ticker")
    return by_ticker.agg(realised_volatility=pl.when(pl.len() >= 2).then(pl.col("squared").sum().sqrt()))


def _ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return `part` / `whole`, null where there is nothing to divide by."""
    return pl.when(whole > 0).then(part / whole)
