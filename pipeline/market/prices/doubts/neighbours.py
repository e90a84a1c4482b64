"""Splits told without a jump, held against the days around them: told twice, or told for another day. Pure."""

import polars as pl

from pipeline.market.prices.doubts.verdicts import CLOSENESS, FITS, IDLE, is_jump

NEAR = 10
"""Sessions between two days that may be about one split: two weeks."""

CLEARLY = 5.0
"""Times the noise beyond which a move is taken for the jump of a split that is told for a day nearby."""

_SPLIT = ("day", "ticker", "place", "told_date", "told_from", "told_to", "told_move")
_JUMP = ("day", "ticker", "place", "session", "moved_open", "moved_close", "closeness")

SAME = 1e-6
"""Difference of two log ratios up to which they are the same."""


def with_neighbour(judged: pl.DataFrame) -> pl.DataFrame:
    """Return the `judged` days with the split nearby that each is about, as it is known on that day.

    Adds, null without one: `twice_date`, the day without a jump for which the vendor tells a split too, and
    `true_date`, the day of that split; `jump_session`, the session of the jump of a split that is told for another
    day, and `late_date`, `late_from` and `late_to`, as it is told.
    """
    idle = judged.lazy().filter(pl.col("verdict") == IDLE).select(_SPLIT)
    fitting = judged.lazy().filter(pl.col("verdict") == FITS, pl.col("told_move") != 0).select(_SPLIT)
    is_free = (pl.col("told") == 0) & (pl.col("conflicting") == 0) & ~pl.col("is_ruled")
    free = judged.lazy().filter(is_free, is_jump(CLOSENESS, CLEARLY)).select(_JUMP)
    twice = _later(idle, fitting, (pl.col("told_move") - pl.col("told_move_other")).abs() < SAME)
    away = pl.min_horizontal((pl.col(name) - pl.col("told_move")).abs() for name in ("moved_open", "moved_close"))
    shifted = _later(idle, free, away <= pl.col("closeness"))
    late = {f"late_{name}": f"told_{name}" for name in ("date", "from", "to")}
    return (
        judged.lazy()
        .join(twice.select("day", twice_date="told_date", true_date="told_date_other"), on="day", how="left")
        .join(shifted.select("day", jump_session="session", **late), on="day", how="left")
        .sort("day")
        .collect()
    )


def _later(idle: pl.LazyFrame, others: pl.LazyFrame, about_one: pl.Expr) -> pl.LazyFrame:
    """Return pairs of an `idle` day and one of the `others` of its ticker that are NEAR and `about_one` split.

    `day` is the later of the two, once each, with the nearest other day; columns of that one end in `_other`.
    """
    apart = pl.col("place") - pl.col("place_other")
    pairs = idle.join(others, on="ticker", suffix="_other").filter(apart.abs() <= NEAR, apart != 0, about_one)
    later = pl.when(apart > 0).then("day").otherwise("day_other")
    return pairs.sort(apart.abs(), "day").group_by(day=later, maintain_order=True).agg(pl.all().exclude("day").first())
