"""Whether the vendor's split-adjusted bars agree with its unadjusted bars and its splits. Pure."""

from datetime import date

import polars as pl

from pipeline.market.prices.adjust import PRICES, VOLUME, on_basis_of, split_events

PRICE_ROUNDING = 1e-4
"""The vendor prints adjusted prices with four decimals."""

VOLUME_ROUNDING = 1.0
"""Adjusted volumes may be rounded to whole shares."""

SHOWN_COLUMNS = {
    "our_close": "close",
    "vendor_close": "close:vendor",
    "our_volume": "volume",
    "vendor_volume": "volume:vendor",
}
"""Columns shown of a bar that disagrees, and their source."""

_KEY = ["ticker", "session"]


def split_disagreements(aggregates: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Return the bars whose two bases disagree: ticker, session, then close and volume, ours and the vendor's.

    `aggregates` are rows of `stocks/aggregates`; those as traded are put on the basis of the day they were fetched, by
    `splits` (ticker, execution_date, split_from, split_to). A bar with one basis only disagrees too. Sorted.
    """
    events = split_events(splits)
    traded = aggregates.filter(pl.col("basis") == "none").partition_by("fetched_on", as_dict=True)
    ours = [on_basis_of(day, bars, events) for (day,), bars in traded.items() if isinstance(day, date)]
    theirs = aggregates.filter(pl.col("basis") == "split")
    both = pl.concat([aggregates.clear(), *ours]).join(theirs, on=_KEY, how="full", coalesce=True, suffix=":vendor")
    agree = [_near(name, PRICE_ROUNDING) for name in PRICES] + [_near(VOLUME, VOLUME_ROUNDING)]
    differing = both.filter(~pl.all_horizontal(agree).fill_null(value=False))
    return differing.select(*_KEY, **SHOWN_COLUMNS).sort(_KEY)


def _near(name: str, rounding: float) -> pl.Expr:
    # A tenth more, for the last digit of the difference itself.
    return (pl.col(name) - pl.col(f"{name}:vendor")).abs() <= 1.1 * rounding
