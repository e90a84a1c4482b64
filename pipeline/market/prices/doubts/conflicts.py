"""Several ratios told for one day, held against the jump: which of them it speaks for. Pure."""

import polars as pl

from pipeline.market.prices.doubts.days import within_span
from pipeline.market.prices.doubts.words import ratio


def with_conflict(judged: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Return the `judged` days with what the price says of ratios that contradict each other.

    Adds `match_from` and `match_to`, the ratio that the price moved by (1 and 1: it did not move), null where it fits
    none; and `conflict_words`, the reading. `splits` are those of `told_splits`.
    """
    told = within_span(
        judged.lazy().filter(pl.col("conflicting") > 0).select("day", "ticker", "previous_session", "session"),
        splits.lazy().filter(pl.col("doubt") == "conflicting"),
    ).select("day", "split_from", "split_to")
    sides = pl.col("split_from", "split_to")
    together = told.group_by("day").agg(sides.product())
    possible = pl.concat([told, together, told.select("day", split_from=1.0, split_to=1.0)]).unique()
    moves = judged.lazy().select("day", "moved_open", "moved_close", "closeness")
    expected = (pl.col("split_from") / pl.col("split_to")).log()
    away = pl.min_horizontal((pl.col(name) - expected).abs() for name in ("moved_open", "moved_close"))
    match = (
        possible.join(moves, on="day")
        .with_columns(away=away)
        .filter(pl.col("away") <= pl.col("closeness"))
        .sort("day", "away", "split_from")
        .group_by("day", maintain_order=True)
        .agg(match_from=pl.col("split_from").first(), match_to=pl.col("split_to").first())
    )
    listed = told.sort("day", "split_from", "split_to").group_by("day", maintain_order=True).agg(
        ratios=ratio("split_from", "split_to").str.join(" and ")
    )  # fmt: skip
    found = judged.lazy().join(match, on="day", how="left").join(listed, on="day", how="left")
    return found.with_columns(conflict_words=_words()).drop("ratios").sort("day").collect()


def _words() -> pl.Expr:
    day, ratios = pl.col("told_date"), pl.col("ratios")
    stays = pl.format("no change of price on {}, where the vendor tells {}; they may cancel each other", day, ratios)
    fits = pl.format("{} on {}; the vendor tells {}", ratio("match_from", "match_to"), day, ratios)
    none = pl.format("the vendor tells {} for {}, and the price fits neither", ratios, day)
    has_match = pl.col("match_from").is_not_null()
    return (
        pl.when(has_match, pl.col("match_from") == pl.col("match_to"))
        .then(stays)
        .when(has_match)
        .then(fits)
        .otherwise(none)
    )
