"""The days over which no return is known: a split, a spin-off or a price is in doubt. Pure."""

import polars as pl

from pipeline.contracts.price_doubts import BAD_PRINT
from pipeline.market.prices.point_in_time import splits_in_doubt


def days_in_doubt(splits: pl.DataFrame, doubts: pl.DataFrame | None) -> pl.DataFrame:
    """Return ticker and execution_date of each day that a return cannot reach over.

    `splits` are rows of `reference/splits`, `doubts` rows of `stocks/price_doubts`, None where prices were never
    checked. Over a split that is not applied, the return is wrong by its ratio. Over a spin-off it lacks the value of
    the shares received: the vendor tells neither how many they were nor of which company. A single wrong price is
    gone the next day, and stays out.
    """
    told = splits_in_doubt(splits)
    if doubts is None:
        return told
    lasting = doubts.filter(pl.col("leaves_out") & (pl.col("kind") != BAD_PRINT))
    return pl.concat([told, lasting.select("ticker", execution_date="event_date")]).unique()
