"""One name for a security through its renames, so that its bars are joined and those of two companies never are."""

import polars as pl

from pipeline.market.securities.listings import DAY, with_listing


def under_security(rows: pl.DataFrame, day: str, listed: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` (ticker, the date column `day`, and whatever else), in order, with the security's name as `ticker`.

    The name is the composite FIGI; where it is not known, the ticker and the last day of its listing; where no listing
    is known for the ticker on that day, the ticker. `listed` are listings, in the columns of `listings.LISTING`.
    """
    asked = rows.select("ticker", session=day)
    found = with_listing(asked, _named(listed).with_columns(composite_figi="security"))
    return rows.with_columns(ticker=pl.coalesce(found["composite_figi"], found["ticker"]))


def ends(listed: pl.DataFrame) -> pl.DataFrame:
    """Return the day on which each security's last listing ended, of those that ended: security, last_day."""
    last_day = pl.when(pl.col("last_day").null_count() == 0).then(pl.col("last_day").max())
    return _named(listed).group_by("security").agg(last_day).drop_nulls()


def _named(listed: pl.DataFrame) -> pl.DataFrame:
    """Return `listed` with `security`, each of them listed a day longer when it ends for good.

    The vendor's day of delisting is the last day of trading as often as the day after it.
    """
    unknown = pl.concat_str("ticker", pl.lit(" "), pl.col("last_day").cast(pl.String).fill_null(""))
    named = listed.with_columns(security=pl.coalesce("composite_figi", unknown))
    is_the_end = (pl.col("last_day") == pl.col("last_day").max()) & (pl.col("last_day").null_count() == 0)
    return named.with_columns(
        last_day=pl.when(is_the_end.over("security")).then(pl.col("last_day") + DAY).otherwise("last_day")
    )
