"""Whether a price paid was traded on its day, and if not, after which later split it would be right. Pure.

Brokers export old purchases in the shares of today. A price of the day on the shares after a split is multiplied by
split_to / split_from to be what was traded.
"""

from collections.abc import Sequence

import polars as pl

from pipeline.market.portfolio.book import Opening
from pipeline.market.prices.exact import exact_numbers
from pipeline.market.prices.splits import RATIO, price_after, require_sound, shares_after

HALF_A_CENT = 0.005
"""USD: what a price that was put on other shares may be rounded by."""


def prices_not_traded(openings: Sequence[Opening], bars: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Return the `openings` whose price was outside low … high of their session, by their `place` among them.

    Columns: place, ticker, opened, price, low, high; and if the price is right on the shares after later splits:
    `splits`, how many, `split_on`, the day of the last one, `times`, what the price must be multiplied by, and
    `price_then` and `quantity_then`, on the shares of the session. `bars`: ticker, session, low, high as traded;
    `splits` as for `settled`. A purchase without a bar is left out.
    """
    rows = pl.DataFrame(
        [(place, one.ticker, one.opened, one.price, one.quantity) for place, one in enumerate(openings)],
        schema={
            "place": pl.Int64,
            "ticker": pl.String,
            "opened": pl.Date,
            "price": pl.Float64,
            "quantity": pl.Float64,
        },
        orient="row",
    )
    of_day = rows.join(bars.select("ticker", "low", "high", opened="session"), on=["ticker", "opened"])
    off = of_day.filter(~pl.col("price").is_between("low", "high"))
    return off.join(_as_after_splits(off, splits), on="place", how="left").drop("quantity").sort("place")


def _as_after_splits(off: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Return the fewest later splits of each row after which its price would have been traded."""
    events = require_sound(splits, "execution_date", RATIO).rename({"execution_date": "split_on"})
    later = off.join(events, on="ticker").filter(pl.col("split_on") > pl.col("opened")).sort("place", "split_on")
    # From the shares after the splits back to those of the day: the sides change places.
    back = later.with_columns(
        split_from=pl.col("split_to").cum_prod().over("place"),
        split_to=pl.col("split_from").cum_prod().over("place"),
        splits=pl.int_range(1, pl.len() + 1).over("place"),
    )
    tried = back.with_columns(
        times=pl.col("split_from") / pl.col("split_to"),
        price_then=price_after(pl.col("price")),
        quantity_then=shares_after(pl.col("quantity")),
    )
    rounding = HALF_A_CENT * pl.col("times")
    lowest, highest = exact_numbers(pl.col("low") - rounding), exact_numbers(pl.col("high") + rounding)
    fits = pl.col("price_then").is_between(lowest, highest)
    first = tried.filter(fits).unique("place", keep="first", maintain_order=True)
    return first.select("place", "splits", "split_on", "times", "price_then", "quantity_then")
