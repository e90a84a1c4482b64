"""Ratios of splits that companies choose, and which of them a jump is near to. Pure."""

from math import log

import polars as pl

COMMON = (2, 3, 4, 5, 10, 20)
"""New shares for an old one, or old ones for a new one, of most splits."""

SEEN = (6, 7, 8, 9, 12, 15, 25, 30, 35, 40, 50, 60, 75, 80, 100, 120, 125, 150, 200, 250, 300, 400, 500, 1000)
"""The same, of fewer."""

LARGEST_WHOLE = 60
"""Every whole number up to this occurs in reverse splits."""

FRACTIONS = {(2, 3): 0.3, (2, 5): 0.8}
"""Old and new shares of the other ratios by which a share is split, with their cost."""

RARE = ((4, 5), (3, 4), (5, 6), (3, 5), (4, 7), (2, 7), (5, 7), (10, 11))
"""Old and new shares of ratios so rare that a spin-off is the likelier reading of such a fall."""

BEYOND_NEWS = log(3.5)
"""Log return beyond which the calmest reading of a jump is a split, whatever the ratio."""


CLOSE, LEAST_CLOSE, MOST_CLOSE = 2.5, 0.02, 0.12
"""Times the noise by which open and close, on average, may miss the ratio that a jump is taken for; the least and the
most, as a log return."""


def is_near() -> pl.Expr:
    """Return whether a jump is as near to its nearest ratio as that of a split is."""
    return pl.col("near_away") <= (CLOSE * pl.col("noise")).clip(LEAST_CLOSE, MOST_CLOSE)


def _whole() -> dict[tuple[int, int], float]:
    costs = dict.fromkeys(range(2, LARGEST_WHOLE + 1), 1.0) | dict.fromkeys(SEEN, 0.3) | dict.fromkeys(COMMON, 0.0)
    forward = {(1, number): cost for number, cost in costs.items()}
    return forward | {(number, 1): cost for number, cost in costs.items()}


def _table(ratios: dict[tuple[int, int], float]) -> pl.DataFrame:
    rows = [(float(old), float(new), log(old / new), cost) for (old, new), cost in ratios.items()]
    return pl.DataFrame(rows, schema=["near_from", "near_to", "log_ratio", "cost"], orient="row")


SPLITS = _table(_whole() | FRACTIONS)
"""`near_from` old shares for `near_to` new ones, the log return of the price, and the cost: 0 for the most common."""

RARE_SPLITS = _table(dict.fromkeys(RARE, 0.0))


def with_nearest(rows: pl.DataFrame, ratios: pl.DataFrame, prefix: str) -> pl.DataFrame:
    """Return `rows` (day, moved_open, moved_close, noise) with the ratio that each jump is nearest to.

    Adds `{prefix}_from`, `{prefix}_to` and `{prefix}_away`, the mean distance of open and close from it, as a log
    return. Of ratios that are about as near, the more common one is taken.
    """
    jumps = rows.select("day", "moved_open", "moved_close", "noise")
    away = pl.mean_horizontal((pl.col(name) - pl.col("log_ratio")).abs() for name in ("moved_open", "moved_close"))
    cost = away / pl.max_horizontal("noise", pl.lit(0.02)) + pl.col("cost")
    nearest = (
        jumps.lazy().join(ratios.lazy(), how="cross")
        .with_columns(away=away, cost=cost)
        .sort("day", "cost", "log_ratio")
        .group_by("day", maintain_order=True)
        .first()
    )  # fmt: skip
    renamed = {"near_from": f"{prefix}_from", "near_to": f"{prefix}_to", "away": f"{prefix}_away"}
    found = nearest.select("day", *renamed).rename(renamed).collect()
    return rows.join(found, on="day", how="left", maintain_order="left")
