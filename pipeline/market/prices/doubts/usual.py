"""What was usual for a ticker before a day: the size of its moves and of its trading. Pure.

The usual move is the median of absolute log returns times 1.4826, which makes it the standard deviation of normal
returns: the median absolute deviation, of which outliers are no part (F. Hampel, "The Influence Curve and Its Role in
Robust Estimation", Journal of the American Statistical Association 69, 1974).
"""

import polars as pl

from pipeline.market.prices.doubts.days import WINDOW, fall, rise

NORMAL = 1.4826
"""Standard deviation of a normal distribution by its median absolute deviation."""

LATEST = 20
"""Bars whose median trading is the usual one."""

ENOUGH = 20
"""Fewest moves that say what is usual."""

LEAST_NOISE = 0.004
"""Log return: no ticker is taken for calmer than this, or pinned prices would make every move a jump."""

UNKNOWN_NOISE = 0.05
"""Log return of a ticker with fewer than ENOUGH moves before."""

CENT, SUB_CENT = 0.01, 0.0001
"""USD: step of prices from 1 USD on, and below (Rule 612 of Regulation NMS)."""


def with_usual(chosen: pl.DataFrame, every_day: pl.DataFrame) -> pl.DataFrame:
    """Return the `chosen` days (of `suspects`) with what was usual before each, from bars of WINDOW sessions.

    Adds `moves`, how many moves were seen; `usual_move`; `noise`, the log return within which the price of the day may
    have moved without anything special: the usual move, or half of the largest but for one in twenty, or half a tick,
    times the root of the sessions since the bar before; `usual_spike`, beyond which one in twenty highs and lows lay;
    `usual_volume` and `usual_dollars`, medians of the LATEST bars.
    """
    before = _windows(chosen, every_day)
    move = (pl.col("close") / pl.col("previous_close")).log().abs()
    has_move = pl.col("previous_place") >= pl.col("start")
    spike = pl.max_horizontal(rise(pl.col("previous_close")), fall(pl.col("previous_close")))
    measured = before.group_by("day", maintain_order=True).agg(
        moves=has_move.sum(),
        usual_move=NORMAL * move.filter(has_move).median(),
        wide_move=move.filter(has_move).quantile(0.95),
        usual_spike=spike.filter(has_move).quantile(0.95),
        usual_volume=pl.col("volume").tail(LATEST).median(),
        usual_dollars=(pl.col("volume") * pl.col("close")).tail(LATEST).median(),
    )
    joined = chosen.lazy().join(measured, on="day", how="left", maintain_order="left")
    return joined.with_columns(noise=_noise(), moves=pl.col("moves").fill_null(0)).drop("wide_move").collect()


def _windows(chosen: pl.DataFrame, every_day: pl.DataFrame) -> pl.LazyFrame:
    """Return the bars before each of the `chosen` days, with the number of the `day` and the `start` of its window."""
    starts = chosen.lazy().select("day", "ticker", "foreign_until", until="place", start=pl.col("place") - WINDOW)
    bars = every_day.lazy().join(starts.select("ticker").unique(), on="ticker", how="semi")
    is_own = (pl.col("session") > pl.col("foreign_until")).fill_null(value=True)
    within = bars.join(starts, on="ticker", maintain_order="left_right").filter(
        pl.col("place").is_between("start", "until", closed="left"), is_own
    )
    return within.drop("ticker")


def _noise() -> pl.Expr:
    price = pl.col("previous_close")
    tick = pl.when(price >= 1).then(CENT).otherwise(SUB_CENT) / price
    known = pl.max_horizontal("usual_move", pl.col("wide_move") / 2, tick / 2, pl.lit(LEAST_NOISE))
    enough = (pl.col("moves") >= ENOUGH).fill_null(value=False)
    a_session = pl.when(enough).then(known).otherwise(pl.max_horizontal(known, pl.lit(UNKNOWN_NOISE)))
    return a_session * (pl.col("place") - pl.col("previous_place")).sqrt()
