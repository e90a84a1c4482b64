"""One name for a security through its renames: it joins all bars of a security, and never those of two."""

from collections.abc import Collection
from datetime import date

import polars as pl

from pipeline.market.securities.listings import DAY, with_listing
from pipeline.market.securities.own_bars import followed


def under_security(rows: pl.DataFrame, day: str, listed: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` (ticker, the date column `day`, any other columns), in order, with the security's name as `ticker`.

    The name is the composite FIGI; if it is unknown, the ticker and the last day of its listing; if the ticker has no
    known listing on that day, the ticker. `listed` are listings, in the columns of `listings.LISTING`.
    """
    tickers_on_days = rows.select("ticker", session=day)
    with_names = with_listing(tickers_on_days, named_listings(listed).with_columns(composite_figi="security"))
    return rows.with_columns(ticker=pl.coalesce(with_names["composite_figi"], with_names["ticker"]))


def events_under_security(events: pl.DataFrame, day: str, listed: pl.DataFrame) -> pl.DataFrame:
    """Return `events` (one per ticker and `day`) as `under_security` does; none counts twice for a security and day.

    On the day of a rename the vendor states a split or dividend under either ticker: one that is stated for the former
    ticker belongs to the renamed security, unless another took the ticker that day, or both tickers have one.
    """
    of_former = followed(events, day, listed).filter(pl.col(day) >= pl.col("followed_from")).drop("followed_from")
    once = pl.concat([events, of_former]).unique(["ticker", day], keep="first", maintain_order=True)
    return under_security(once, day, listed)


def tickers_on(rows: pl.DataFrame, listed: pl.DataFrame) -> pl.Series:
    """Return the ticker of the security of each of `rows` (ticker: its name, session): the last one it had by then.

    A security whose listings are unknown is called by its ticker.
    """
    names = named_listings(listed).select("security", "first_day", renamed="ticker")
    begins = names.with_columns(pl.col("first_day").fill_null(pl.date(1, 1, 1))).sort("first_day")
    found = (
        rows.select(security="ticker", session="session", row=pl.int_range(pl.len()))
        .sort("session")
        # Polars cannot look at the order within securities, and warns; both sides were just sorted.
        .join_asof(begins, left_on="session", right_on="first_day", by="security", check_sortedness=False)
        .sort("row")
    )
    return found.select(pl.coalesce("renamed", "security").alias("ticker")).to_series()


def tickers_of(rows: pl.DataFrame, day: str, listed: pl.DataFrame) -> pl.Series:
    """Return every ticker that the securities of `rows` (ticker, date column `day`) ever had, and those of `rows`."""
    securities = under_security(rows.select("ticker", day), day, listed)["ticker"].unique()
    ever = named_listings(listed).filter(pl.col("security").is_in(securities.implode()))
    return pl.concat([rows["ticker"], ever["ticker"]]).unique()


def securities_called(tickers: Collection[str], day: date, listed: pl.DataFrame) -> pl.DataFrame:
    """Return ticker and `security` of `tickers`: the name of the one that has it on `day`, or had it last before."""
    begun = named_listings(listed).filter(pl.col("first_day").is_null() | (pl.col("first_day") <= day))
    newest = begun.sort("first_day", nulls_last=False).unique("ticker", keep="last").select("ticker", "security")
    asked = pl.DataFrame({"ticker": list(tickers)}, schema={"ticker": pl.String})
    return asked.join(newest, on="ticker", how="left").with_columns(pl.coalesce("security", "ticker"))


def last_days(listed: pl.DataFrame) -> pl.DataFrame:
    """Return the last day of each security whose listings have all ended: security, last_day."""
    last_day = pl.when(pl.col("last_day").null_count() == 0).then(pl.col("last_day").max())
    return named_listings(listed).group_by("security").agg(last_day).drop_nulls()


def named_listings(listed: pl.DataFrame) -> pl.DataFrame:
    """Return `listed` with `security`; the last listing of a security that ended lasts one day longer.

    The vendor's day of delisting is the last day of trading as often as the day after it.
    """
    unknown = pl.concat_str("ticker", pl.lit(" "), pl.col("last_day").cast(pl.String).fill_null(""))
    with_security = listed.with_columns(security=pl.coalesce("composite_figi", unknown))
    is_the_end = (pl.col("last_day") == pl.col("last_day").max()) & (pl.col("last_day").null_count() == 0)
    return with_security.with_columns(
        last_day=pl.when(is_the_end.over("security")).then(pl.col("last_day") + DAY).otherwise("last_day")
    )
