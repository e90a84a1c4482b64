"""Which security traded under a ticker when: listings, from the vendor's tickers and renames. Pure.

A composite FIGI identifies a security through its renames; a ticker passes from one security to another. These rules
turn the vendor's statements into listings:

1. Renames (`reference/ticker_events`) say when a security took a ticker; it kept it until it took the next.
2. The last day of a security in `reference/tickers` is the day before `delisted_on`. Unless a rename dates it, its
   first day is unknown. A security delisted on an unknown day has no claim.
3. Of two claims to a ticker, the one that ended earlier comes first; one that is still open comes last. The later claim
   holds from its first day on, the earlier one until the day before. Where that first day is unknown, or not after the
   other's, the later claim holds from the day after the other ended. If both cover the same days, the owner is unknown,
   and neither is listed.
4. The same holds for a security that claims two tickers at once, except that both stay listed, without a FIGI, where
   it is unknown which was right.

So on any day a ticker has at most one listing, and a FIGI at most one ticker.
"""

import polars as pl

from pipeline.errors import QueryError

DAY = pl.duration(days=1)

LISTING = {
    "ticker": pl.String,
    "composite_figi": pl.String,
    "type": pl.String,
    "first_day": pl.Date,
    "last_day": pl.Date,
}
"""Columns of listings. `composite_figi` and `type` are null when unknown, the days when unknown or not yet over."""

NO_LISTINGS = pl.DataFrame(schema=LISTING)
"""What is known of listings without reference data: every ticker is a security of its own."""


def listings(tickers: pl.DataFrame, ticker_events: pl.DataFrame) -> pl.DataFrame:
    """Return the listings by ticker and first day, as LISTING, from the rows that hold now, by the rules above.

    `tickers` and `ticker_events` have the columns of `reference/tickers` and `reference/ticker_events`.
    """
    securities = _securities(tickers.filter(pl.col("withdrawn_at").is_null()))
    renamed = _renamed(ticker_events.filter(pl.col("withdrawn_at").is_null()))
    claims = pl.concat([_begun(renamed, securities), _unbegun(renamed, securities)])
    one_per_ticker = _in_turn(claims.filter(~_contested("ticker")), "ticker")
    is_known = pl.col("composite_figi").is_not_null() & ~_contested("composite_figi")
    with_figi = _in_turn(one_per_ticker.filter(is_known), "composite_figi")
    without_figi = one_per_ticker.filter(~is_known).with_columns(composite_figi=pl.lit(None, pl.String))
    return pl.concat([with_figi, without_figi]).sort("ticker", "first_day")


def with_listing(rows: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` (ticker, session, and any other columns), in order, with `composite_figi` and `type` of that day.

    `listed` are listings; null where the ticker had no known listing on the session.
    """
    begins = listed.with_columns(pl.col("first_day").fill_null(pl.date(1, 1, 1))).sort("first_day")
    listed_rows = (
        rows.select("ticker", "session", row=pl.int_range(pl.len()))
        .sort("session")
        # Polars cannot look at the order within tickers, and warns; both sides were just sorted.
        .join_asof(begins, left_on="session", right_on="first_day", by="ticker", check_sortedness=False)
        .sort("row")
    )
    is_over = listed_rows["session"] > listed_rows["last_day"]
    of_day = (
        pl.when(is_over.fill_null(value=False)).then(None).otherwise(listed_rows[name]) for name in _LISTING_COLUMNS
    )
    return rows.with_columns(value.alias(name) for value, name in zip(of_day, _LISTING_COLUMNS, strict=True))


def series(bars: pl.DataFrame, listed: pl.DataFrame, figi: str) -> pl.DataFrame:
    """Return the `bars` of one security through its renames, oldest first, each under the ticker as it traded.

    `listed` are listings. Bars of another security that used one of its tickers before or after are left out.
    Raises QueryError when no listing has the FIGI.
    """
    own = listed.filter(pl.col("composite_figi") == figi).select("ticker", "first_day", "last_day")
    if own.is_empty():
        raise QueryError(
            f"No security with the composite FIGI {figi} is known.",
            remedy="Look it up in reference.tickers (column composite_figi).",
        )
    began = pl.col("first_day").is_null() | (pl.col("session") >= pl.col("first_day"))
    not_over = pl.col("last_day").is_null() | (pl.col("session") <= pl.col("last_day"))
    return bars.join(own, on="ticker").filter(began, not_over).select(bars.columns).sort("session")


def successions(listed: pl.DataFrame) -> pl.DataFrame:
    """Return where one security followed another under a ticker: ticker, `first_day` of the later, `foreign_until`.

    Bars of the ticker up to `foreign_until` belong to the earlier security. That is the day after its last one, since
    the vendor's day of delisting is sometimes the last day of trading. Only securities with known FIGIs are included.
    """
    known = listed.filter(pl.col("composite_figi").is_not_null())
    identified = known.filter(pl.col("ticker").is_duplicated()).sort("ticker", "first_day")
    figi_before, ended = (pl.col(name).shift(1).over("ticker") for name in ("composite_figi", "last_day"))
    followed = identified.with_columns(before=figi_before, ended=ended).filter(
        pl.col("composite_figi") != pl.col("before")
    )
    day_before = pl.col("first_day") - DAY
    return followed.select("ticker", "first_day", foreign_until=pl.min_horizontal(pl.col("ended") + DAY, day_before))


_LISTING_COLUMNS = ("composite_figi", "type")


def _securities(tickers: pl.DataFrame) -> pl.DataFrame:
    """Return each ticker's securities: ticker, composite_figi, type, and their last day, null while they are listed."""
    dated = tickers.filter(pl.col("active") | pl.col("delisted_on").is_not_null())
    last_day = pl.when(~pl.col("active")).then(pl.col("delisted_on") - DAY)
    ended = dated.select("ticker", "composite_figi", "type", last_day=last_day)
    with_figi, without = (
        ended.filter(pl.col("composite_figi").is_not_null() == has_figi) for has_figi in (True, False)
    )
    # Delisted and listed again is one security; two rows without a FIGI may be two.
    return pl.concat(
        [
            with_figi.group_by("ticker", "composite_figi").agg(_the_only("type"), _last("last_day")),
            without.group_by("ticker", "composite_figi", "last_day").agg(_the_only("type")).select(ended.columns),
        ]
    )


def _renamed(ticker_events: pl.DataFrame) -> pl.DataFrame:
    """Return the spans between renames: composite_figi, ticker, first_day, last_day."""
    dated_tickers = ticker_events.select("composite_figi", "ticker", first_day="since").unique()
    days = dated_tickers.select("composite_figi", "first_day").unique().sort("composite_figi", "first_day")
    spans = days.with_columns(last_day=pl.col("first_day").shift(-1).over("composite_figi") - DAY)
    return dated_tickers.join(spans, on=["composite_figi", "first_day"])


def _begun(renamed: pl.DataFrame, securities: pl.DataFrame) -> pl.DataFrame:
    """Return the claims that a rename dates, ended by the delisting of the security under that ticker."""
    types = securities.group_by("composite_figi").agg(_the_only("type"))
    ends = securities.select("composite_figi", "ticker", delisted="last_day")
    claims = renamed.join(types, on="composite_figi", how="left").join(
        ends, on=["composite_figi", "ticker"], how="left"
    )
    # A delisting before its first day belongs to an earlier time under the same ticker.
    delisted = pl.when(pl.col("delisted") >= pl.col("first_day")).then("delisted")
    return claims.with_columns(last_day=pl.min_horizontal("last_day", delisted)).select(LISTING.keys())


def _unbegun(renamed: pl.DataFrame, securities: pl.DataFrame) -> pl.DataFrame:
    """Return the claims of securities whose first day under the ticker is unknown."""
    undated = securities.join(renamed, on=["composite_figi", "ticker"], how="anti")
    return undated.with_columns(first_day=pl.lit(None, pl.Date)).select(LISTING.keys())


def _contested(claimed: str) -> pl.Expr:
    """Return whether another claim to the same `claimed` covers the very same days."""
    return pl.struct(claimed, "first_day", "last_day").is_duplicated()


def _in_turn(claims: pl.DataFrame, claimed: str) -> pl.DataFrame:
    """Return the claims to each `claimed`, shortened so that no two overlap; claims without a day left are dropped."""
    # Nearly every claim is the only one; only the others need the slower work per ticker.
    is_shared = pl.col(claimed).is_duplicated()
    in_turn = pl.concat([claims.filter(~is_shared), _shortened(claims.filter(is_shared), claimed)])
    return in_turn.filter((pl.col("first_day") <= pl.col("last_day")).fill_null(value=True))


def _shortened(claims: pl.DataFrame, claimed: str) -> pl.DataFrame:
    unknown, open_end = pl.date(1, 1, 1), pl.date(9999, 12, 31)
    ordered = claims.sort(claimed, pl.col("last_day").fill_null(open_end), pl.col("first_day").fill_null(unknown))
    began = pl.col("first_day").fill_null(unknown)
    is_second = pl.int_range(pl.len()) > 0
    began_no_later = is_second & (began <= began.cum_max().shift(1))
    after_the_other = pl.coalesce(pl.col("last_day").shift(1) + DAY, "first_day")
    first_day = pl.when(began_no_later).then(after_the_other).otherwise("first_day").over(claimed)
    begun = ordered.with_columns(first_day=first_day)
    next_first = pl.col("first_day").cum_min(reverse=True).shift(-1).over(claimed)
    return begun.with_columns(last_day=pl.min_horizontal("last_day", next_first - DAY))


def _the_only(name: str) -> pl.Expr:
    """Return the value that all rows share, or null."""
    return pl.when(pl.col(name).n_unique() == 1).then(pl.col(name).first())


def _last(day: str) -> pl.Expr:
    """Return the latest day, or null when a row is still open."""
    return pl.when(pl.col(day).null_count() == 0).then(pl.col(day).max())
