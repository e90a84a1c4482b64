"""The days over which no return is known: a split, a spin-off, a dividend or a price is in doubt. Pure."""

import polars as pl

from pipeline.contracts.price_doubts import BAD_PRINT, DIVIDEND_WITHOUT_DROP
from pipeline.market.prices.point_in_time import splits_in_doubt
from pipeline.market.securities.listings import DAY


def days_in_doubt(splits: pl.DataFrame, doubts: pl.DataFrame | None) -> pl.DataFrame:
    """Return ticker and execution_date of each day that a return cannot reach over, and `reaches_from`.

    A purchase before the day `reaches_from` is in doubt. `splits` are rows of `reference/splits`, `doubts` rows of
    `stocks/price_doubts`, None where prices were never checked. Over a split that is not applied, the return is wrong
    by its ratio. Over a spin-off it lacks the value of the shares received: the vendor tells neither how many they were
    nor of which company. A wrong price may be the very one that was bought, sold, or the best or worst. A dividend
    without a fall of the price was perhaps never paid.
    """
    told = splits_in_doubt(splits).with_columns(reaches_from="execution_date")
    if doubts is None:
        return told
    grave = doubts.filter(pl.col("leaves_out") | (pl.col("kind") == DIVIDEND_WITHOUT_DROP))
    # A split is executed before the open; a wrong price may be the open.
    next_day = pl.when(pl.col("kind") == BAD_PRINT).then(pl.col("event_date") + DAY).otherwise("event_date")
    return pl.concat([told, grave.select("ticker", execution_date="event_date", reaches_from=next_day)]).unique()
