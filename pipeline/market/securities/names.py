"""One name for a security through its renames: it joins all bars of a security, and never those of two."""

import polars as pl

from pipeline.market.securities.listings import DAY, with_listing


def under_security(rows: pl.DataFrame, day: str, listed: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` (ticker, the date column `day`, any other columns), in order, with the security's name as `ticker`.

    The name is the composite FIGI; if it is unknown, the ticker and the last day of its listing; if the ticker has no
    known listing on that day, the ticker. `listed` are listings, in the columns of `listings.LISTING`.
    """
    tickers_on_days = rows.select("ticker", session=day)
    with_names = with_listing(tickers_on_days, _with_security(listed).with_columns(composite_figi="security"))
    return rows.with_columns(ticker=pl.coalesce(with_names["composite_figi"], with_names["ticker"]))


def last_days(listed: pl.DataFrame) -> pl.DataFrame:
    """Return the last day of each security whose listings have all ended: security, last_day."""
    last_day = pl.when(pl.col("last_day").null_count() == 0).then(pl.col("last_day").max())
    return _with_security(listed).group_by("security").agg(last_day).drop_nulls()


def _with_security(listed: pl.DataFrame) -> pl.DataFrame:
    """Return `listed` with `security`; the last listing of a security that ended lasts one day longer.

    The vendor's day of delisting is the last day of trading as often as the day after it.
    """
    unknown = pl.concat_str("ticker", pl.lit(" "), pl.col("last_day").cast(pl.String).fill_null(""))
    with_security = listed.with_columns(security=pl.coalesce("composite_figi", unknown))
    is_the_end = (pl.col("last_day") == pl.col("last_day").max()) & (pl.col("last_day").null_count() == 0)
    return with_security.with_columns(
        last_day=pl.when(is_the_end.over("security")).then(pl.col("last_day") + DAY).otherwise("last_day")
    )
