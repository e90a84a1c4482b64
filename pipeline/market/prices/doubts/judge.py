"""All doubts of a span of sessions, as rows of `stocks/price_doubts`. Pure."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.contracts.price_doubts import PRICE_DOUBTS

LOOKBACK = 140
"""Sessions that a row is computed from, its own included."""


def price_doubts(  # noqa: PLR0913 (a market's bars, what the vendor tells of them, and the days asked about)
    bars: pl.DataFrame,  # noqa: ARG001
    splits: pl.DataFrame,  # noqa: ARG001
    dividends: pl.DataFrame,  # noqa: ARG001
    listed: pl.DataFrame,  # noqa: ARG001
    *,
    sessions: Sequence[date],  # noqa: ARG001
    since: date,  # noqa: ARG001
) -> pl.DataFrame:
    """Return the doubts known at the close of each of `sessions` from `since` on, as rows of `stocks/price_doubts`.

    `bars` (rows of `stocks/daily_bars`, prices as traded) are those of `sessions`, the exchange's in order, from
    LOOKBACK − 1 before `since` on; older ones do not matter. `splits` and `dividends` are the rows of
    `reference/splits` and `reference/dividends` that hold; `listed` are listings. A row of a session follows from
    bars, splits and dividends up to that day only.

    A split with a `ruling` (confirmed, added or rejected; the column may be missing) is the user's word: it is never
    doubted, and a rejected one says that the prices of its day are right as they are.
    """
    return PRICE_DOUBTS.empty()
