"""Faults of vendors planted into a market that has none: at random tickers and days, with what they should be read as.

One fault a ticker. A true split multiplies the prices from its day on and divides the volumes; what is told of it is
missing, doubled, shifted, of another ratio or reversed. A spin-off takes part of the price away and tells nothing. A
bad print moves one price of one day.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.market.prices.adjust import PRICES, VOLUME
from pipeline.sample.prices import on_tick

RATIOS = ((1, 2), (1, 3), (1, 4), (1, 10), (2, 3), (2, 1), (5, 1), (8, 1), (10, 1), (15, 1), (20, 1), (25, 1), (50, 1))
"""Old and new shares of the planted splits."""

FAULTS = {
    "missing": "split_missing",
    "doubled_before": "split_told_twice",
    "doubled_after": "split_told_twice",
    "shifted_early": "split_shifted",
    "shifted_late": "split_shifted",
    "wrong_ratio": "split_wrong_ratio",
    "reversed": "split_reversed",
    "phantom": "split_without_jump",
    "spin_off": "jump_unexplained",
    "bad_high": "bad_print",
    "bad_low": "bad_print",
    "bad_close": "bad_print",
}
"""Fault to the kind of doubt that says what has happened."""

WITHOUT_SPLIT = ("phantom", "spin_off", "bad_high", "bad_low", "bad_close")
SPIN_OFF, BAD_PRINT = (0.2, 0.5), (0.3, 0.9)
"""Shares of the price that leave with a spin-off, or by which a print is off: drawn between these."""

HISTORY = 40
"""Bars that a ticker has before its fault at least."""


@dataclass(frozen=True)
class Planted:
    """A market with faults: its bars, the splits told, and one row for each fault: ticker, fault, session, ratio."""

    bars: pl.DataFrame
    splits: pl.DataFrame
    faults: pl.DataFrame


def plant(bars: pl.DataFrame, splits: pl.DataFrame, count: int, seed: int) -> Planted:
    """Return the market with `count` faults or fewer; `splits` have the columns of `reference/splits`.

    Tickers are drawn from those that have no split of their own, and days from their bars with HISTORY before them and
    five after, on which there are five trades or more.
    """
    random = np.random.default_rng(seed)
    ordered = bars.sort("ticker", "session").join(splits.select("ticker").unique(), on="ticker", how="anti")
    numbered = ordered.with_columns(
        bar=pl.int_range(pl.len()).over("ticker"),
        left=pl.len().over("ticker") - pl.int_range(pl.len()).over("ticker"),
        next=pl.col("session").shift(-1).over("ticker"),
        later=pl.col("session").shift(-3).over("ticker"),
        earlier=pl.col("session").shift(3).over("ticker"),
        before=pl.col("session").shift(1).over("ticker"),
    )
    possible = numbered.filter(pl.col("bar") >= HISTORY, pl.col("left") > 5, pl.col("transactions") >= 5)
    days = possible.sample(fraction=1, shuffle=True, seed=seed).unique("ticker", keep="first", maintain_order=True)
    days = days.head(count)
    size = len(days)
    old, new = np.array(RATIOS, dtype=float)[random.integers(0, len(RATIOS), size)].T
    faults = days.select("ticker", "session", "next", "later", "earlier", "before").with_columns(
        fault=pl.Series(list(FAULTS))[random.integers(0, len(FAULTS), size)],
        old=pl.Series(old),
        new=pl.Series(new),
        leaves=pl.Series(random.uniform(*SPIN_OFF, size)),
        off=pl.Series(random.uniform(*BAD_PRINT, size)),
    )
    told = pl.concat([_told(faults, *one) for one in _TOLD])
    rows = told.with_columns(
        pl.lit(None).cast(dtype).alias(name) for name, dtype in splits.schema.items() if name not in told.columns
    )
    return Planted(_changed(bars, faults), pl.concat([splits, rows.select(splits.columns)]), faults)


_TOLD: Sequence[tuple[str, str, str, str]] = (
    ("doubled_before", "session", "old", "new"),
    ("doubled_before", "before", "old", "new"),
    ("doubled_after", "session", "old", "new"),
    ("doubled_after", "next", "old", "new"),
    ("shifted_early", "earlier", "old", "new"),
    ("shifted_late", "later", "old", "new"),
    ("wrong_ratio", "session", "wrong_old", "wrong_new"),
    ("reversed", "session", "new", "old"),
    ("phantom", "session", "old", "new"),
)
"""Fault, the day for which a split is told, and its old and new shares."""


def _told(faults: pl.DataFrame, fault: str, day: str, old: str, new: str) -> pl.DataFrame:
    # Another ratio the same way, half as large again: 1:15 told as 1:10, 2:1 told as 3:1.
    wrong = {
        "wrong_old": pl.when(pl.col("old") > pl.col("new")).then((pl.col("old") * 1.5).ceil()).otherwise("old"),
        "wrong_new": pl.when(pl.col("old") > pl.col("new")).then("new").otherwise((pl.col("new") * 1.5).ceil()),
    }
    chosen = faults.filter(pl.col("fault") == fault).with_columns(**wrong)
    return chosen.select("ticker", execution_date=day, split_from=old, split_to=new)


def _changed(bars: pl.DataFrame, faults: pl.DataFrame) -> pl.DataFrame:
    """Return the bars with the faults in them, prices on their ticks."""
    fault, has_begun = pl.col("fault"), pl.col("session") >= pl.col("day")
    is_split = ~fault.is_in(WITHOUT_SPLIT)
    split = pl.when(is_split & has_begun).then(pl.col("old") / pl.col("new")).otherwise(1.0)
    left = pl.when((fault == "spin_off") & has_begun).then(1 - pl.col("leaves")).otherwise(1.0)
    touched = bars.with_row_index("row").join(faults.rename({"session": "day"}), on="ticker")
    moved = touched.with_columns(
        *(pl.col(name) * split * left for name in PRICES), (pl.col(VOLUME) / split).alias(VOLUME)
    )
    is_day = pl.col("session") == pl.col("day")
    printed = moved.with_columns(
        high=pl.when(is_day & (fault == "bad_high")).then(pl.col("high") * (1 + pl.col("off"))).otherwise("high"),
        low=pl.when(is_day & (fault == "bad_low")).then(pl.col("low") * (1 - pl.col("off"))).otherwise("low"),
        close=pl.when(is_day & (fault == "bad_close")).then(pl.col("close") * (1 + pl.col("off"))).otherwise("close"),
    )
    ticked = printed.with_columns(
        pl.col(name).map_batches(lambda prices: pl.Series(on_tick(prices.to_numpy()))) for name in PRICES
    )
    whole = ticked.with_columns(
        high=pl.max_horizontal(*PRICES), low=pl.min_horizontal(*PRICES).clip(lower_bound=0.0001)
    ).select("row", *bars.columns)
    return bars.with_row_index("row").update(whole, on="row").drop("row")
