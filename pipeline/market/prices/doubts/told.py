"""What the vendor, and the user, tell of a day: splits, and dividends in cash. Pure."""

import polars as pl

from pipeline.market.prices.doubts.days import within_span

LARGEST_DIVIDEND = 0.95
"""Share of the close before beyond which a dividend is not taken off the price: such an amount is wrong."""

LARGE = 0.1
"""Share of a close from which on a dividend may be seen in the price."""

_SPLIT = ("ticker", "execution_date", "split_from", "split_to", "doubt")


def told_splits(splits: pl.DataFrame) -> pl.DataFrame:
    """Return ticker, `date`, split_from, split_to, doubt and `ruling` of the rows of `reference/splits` with a date.

    Without the vendor's repetitions and what cannot be read, except for a user's ruling. `ruling` is null where the
    user says nothing, or the column is missing.
    """
    ruling = pl.col("ruling") if "ruling" in splits.columns else pl.lit(None, pl.String)
    told = splits.select(*_SPLIT, ruling=ruling.cast(pl.String)).rename({"execution_date": "date"})
    judged = pl.col("doubt").is_null() | (pl.col("doubt") == "conflicting") | pl.col("ruling").is_not_null()
    return told.filter(judged, pl.col("date").is_not_null())


def told_dividends(dividends: pl.DataFrame) -> pl.DataFrame:
    """Return ticker, `date` (the ex-date) and cash_amount of the rows of `reference/dividends` without a doubt."""
    sound = dividends.filter(pl.col("doubt").is_null())
    return sound.select("ticker", "cash_amount", date="ex_dividend_date").drop_nulls()


def large_dividends(dividends: pl.DataFrame, every_day: pl.DataFrame) -> pl.DataFrame:
    """Return the `dividends` (of `told_dividends`) that may be seen in the price: LARGE of a ticker's lowest close."""
    lowest = every_day.lazy().group_by("ticker").agg(lowest=pl.col("close").min())
    beside = dividends.lazy().join(lowest, on="ticker")
    return beside.filter(pl.col("cash_amount") >= LARGE * pl.col("lowest")).select(dividends.columns).collect()


def with_told(chosen: pl.DataFrame, splits: pl.DataFrame, dividends: pl.DataFrame) -> pl.DataFrame:
    """Return the `chosen` days with what is told for the time since the bar before each.

    Adds `told` and `conflicting`, numbers of the vendor's splits that are applied and that contradict each other;
    `told_date`, `told_from` and `told_to` of those applied, multiplied if there are several; `is_ruled`, whether the
    user has ruled on all that is told; `cash_amount` and `cash_date`, null without a dividend; `basis`, the close
    before on the shares of the day and without the dividend; `moved_open` and `moved_close`, log returns from it; and
    `told_move`, by which the vendor's splits move prices. Splits that the user confirmed or added are taken as true:
    they are in the basis, and the vendor's others are judged beside them.

    `splits` are those of `told_splits`, `dividends` those of `told_dividends`.
    """
    keys = chosen.lazy().select("day", "ticker", "previous_session", "session")
    # Doubt or not, a split that the user confirmed or added is applied, and one rejected is not.
    is_applied = pl.col("doubt").is_null() & (pl.col("ruling") != "rejected").fill_null(value=True)
    is_conflicting = (pl.col("doubt") == "conflicting").fill_null(value=False)
    is_ruled = pl.col("ruling").is_not_null()
    is_judged = (is_applied | is_conflicting) & ~is_ruled
    split = (
        within_span(keys, splits.lazy())
        .group_by("day")
        .agg(
            told=(is_applied & ~is_ruled).sum(),
            conflicting=(is_conflicting & ~is_ruled).sum(),
            is_ruled=is_ruled.any() & ~is_judged.any(),
            told_date=pl.col("date").filter(is_judged).max(),
            told_from=pl.col("split_from").filter(is_applied & ~is_ruled).product(),
            told_to=pl.col("split_to").filter(is_applied & ~is_ruled).product(),
            ruled_from=pl.col("split_from").filter(is_applied & is_ruled).product(),
            ruled_to=pl.col("split_to").filter(is_applied & is_ruled).product(),
        )
    )
    cash = within_span(keys, dividends.lazy()).group_by("day").agg(
        pl.col("cash_amount").sum(), cash_date=pl.col("date").max()
    )  # fmt: skip
    told = chosen.lazy().join(split, on="day", how="left").join(cash, on="day", how="left").sort("day")
    return _moved(
        told.with_columns(pl.col("told", "conflicting").fill_null(0), pl.col("is_ruled").fill_null(value=False))
    )


def _moved(told: pl.LazyFrame) -> pl.DataFrame:
    factor = pl.when(pl.col("told") > 0).then(pl.col("told_from") / pl.col("told_to")).otherwise(1.0)
    ruled = (pl.col("ruled_from") / pl.col("ruled_to")).fill_null(1.0)
    before = pl.col("previous_close") * factor * ruled
    paid = pl.col("cash_amount").fill_null(0.0)
    basis = pl.when(paid < LARGEST_DIVIDEND * before).then(before - paid).otherwise(before)
    based = told.with_columns(told_move=factor.log(), basis=basis)
    moved = {f"moved_{name}": (pl.col(name) / pl.col("basis")).log() for name in ("open", "close")}
    return based.with_columns(**moved).collect()
