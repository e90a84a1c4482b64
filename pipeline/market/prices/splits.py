"""Splits: the factor that puts a price of one session on the share basis of another. Pure.

Convention: before the market opens on `execution_date`, `split_from` old shares become `split_to` new ones. A price of
an earlier session is multiplied by `split_from` / `split_to`, a number of shares by the inverse. The products of both
sides of the ratios come first, and are exact for whole numbers; then a price is multiplied, and divided once.
"""

from collections.abc import Sequence
from datetime import date
from math import prod

import polars as pl

from pipeline.errors import ContractBroken
from pipeline.market.prices.exact import exact, exact_numbers

RATIO = ("split_from", "split_to")


def split_factors(splits: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Return `spans` (ticker, since, until, and any other columns) with `split_factor`, rows in their order.

    A price of the session `since` times `split_factor` is on the share basis of `until`: the product of
    split_from / split_to over the splits executed after `since` and no later than `until`; 1 without a split; the
    inverse where `until` lies before `since`. `splits`: ticker, execution_date, split_from, split_to.
    Raises ContractBroken when a ticker has two splits on a day, or a ratio is not positive and finite.
    """
    events = require_sound(splits, "execution_date", RATIO).rename({"execution_date": "day"})
    product = products_between(events, spans, RATIO)
    return spans.with_columns(split_factor=product["split_from"] / product["split_to"])


def with_ratio(rows: pl.DataFrame, splits: pl.DataFrame, *, since: pl.Expr, until: pl.Expr) -> pl.DataFrame:
    """Return `rows` (with ticker) with the columns of RATIO: the products of both sides of the splits of a span.

    A span reaches from the day `since` to a later day `until`; without a split in it both sides are 1. `splits`:
    ticker, execution_date, split_from, split_to. Raises ContractBroken when a ticker has two on a day, or a number is
    impossible.
    """
    events = require_sound(splits, "execution_date", RATIO).rename({"execution_date": "day"})
    product = products_between(events, rows.select("ticker", since=since, until=until), RATIO)
    return rows.with_columns(product.select(pl.col(RATIO).cast(pl.Float64)))


def price_after(price: pl.Expr) -> pl.Expr:
    """Return a price, in rows `with_ratio`, on the shares at the end of the span."""
    return exact_numbers(price * pl.col("split_from") / pl.col("split_to"))


def shares_after(shares: pl.Expr) -> pl.Expr:
    """Return what a number of shares, in rows `with_ratio`, has become at the end of the span."""
    return exact_numbers(shares * pl.col("split_to") / pl.col("split_from"))


class ShareCounts:
    """What prices and shares become by splits, for one span at a time. Takes the same splits as `with_ratio`."""

    def __init__(self, splits: pl.DataFrame) -> None:
        self._splits: dict[str, list[tuple[date, float, float]]] = {}
        for ticker, *split in require_sound(splits, "execution_date", RATIO).sort("execution_date").iter_rows():
            self._splits.setdefault(ticker, []).append((split[0], split[1], split[2]))

    def shares(self, number: float, ticker: str, since: date, until: date) -> float:
        """Return what `number` shares of the day `since` are on the day `until`."""
        old, new = self._ratio(ticker, since, until)
        return exact(number * new / old)

    def price(self, price: float, ticker: str, since: date, until: date) -> float:
        """Return what a price on the shares of the day `since` is on those of the day `until`."""
        old, new = self._ratio(ticker, since, until)
        return exact(price * old / new)

    def _ratio(self, ticker: str, since: date, until: date) -> tuple[float, float]:
        """Return the products of both sides of the splits between two days, in either direction."""
        if until < since:
            new, old = self._ratio(ticker, until, since)
            return old, new
        within = [split for split in self._splits.get(ticker, ()) if since < split[0] <= until]
        return prod(old for _, old, _ in within), prod(new for _, _, new in within)


def products_between(events: pl.DataFrame, spans: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return, for each of `spans` in order, the product of each of `columns` over the ticker's `events` within it.

    `events` have ticker and `day`; an event counts after the earlier of `since` and `until`, up to and including the
    later. Where `until` is the earlier, the product is its reciprocal.
    """
    ends = {"after": pl.min_horizontal("since", "until"), "upto": pl.max_horizontal("since", "until")}
    numbered = spans.select("ticker", **ends, row=pl.int_range(pl.len()), back=pl.col("until") < pl.col("since"))
    products = (
        numbered.join(events, on="ticker")
        .filter(pl.col("day") > pl.col("after"), pl.col("day") <= pl.col("upto"))
        .sort("row", "day")
        .group_by("row")
        .agg(pl.col(name).product() for name in columns)
    )
    filled = numbered.join(products, on="row", how="left", maintain_order="left").with_columns(
        pl.col(columns).fill_null(1)
    )
    return filled.select(pl.when("back").then(1 / pl.col(name)).otherwise(name).alias(name) for name in columns)


def require_sound(events: pl.DataFrame, day: str, numbers: Sequence[str]) -> pl.DataFrame:
    """Return ticker, `day` and `numbers` of `events`.

    Raises ContractBroken when a ticker has two events on a day, or a value is missing, not positive or not finite.
    """
    needed = events.select("ticker", day, *numbers)
    unsound = [
        name for name in numbers if not (needed[name].is_finite() & (needed[name] > 0)).fill_null(value=False).all()
    ]
    if needed.null_count().sum_horizontal().item() or unsound:
        raise _refused(f"{day}, {', '.join(numbers)}: a value is missing, not positive, or not finite")
    if needed.select(pl.struct("ticker", day).is_duplicated().any()).item():
        raise _refused(f"a ticker has several events of one {day}")
    return needed


def _refused(reason: str) -> ContractBroken:
    return ContractBroken(
        f"No price was adjusted: {reason}.",
        remedy="Pass events that hold and are not in doubt (pipeline.market.securities.reference has them), "
        "one per ticker and day.",
    )
