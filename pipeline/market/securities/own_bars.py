"""Which bars are a security's own: under its former tickers too, and never those of another under its ticker. Pure.

A look-back window of a ticker reaches back over the days when its security had another ticker, and over days when the
ticker belonged to another security. The listings say which bars count: see `listings`.
"""

from collections.abc import Collection
from datetime import date, timedelta

import polars as pl

from pipeline.market.securities.listings import DAY, successions

SPAN = {
    "ticker": pl.String,
    "first_day": pl.Date,
    "source": pl.String,
    "begin": pl.Date,
    "end": pl.Date,
    "events_end": pl.Date,
}
"""Columns of own spans.

From `first_day` on, windows of `ticker` take the bars under `source` from `begin` to `end`, both included, null where
open; and the splits stated for `source` up to `events_end`. That is some days longer where nobody took the ticker at
once: the vendor states a split on the day of a rename under either ticker, and dates some renames on a weekend.
"""

OVER_A_WEEKEND = timedelta(days=4)
"""From the last day under a ticker to the next session: a weekend and a holiday."""


def own_spans(listed: pl.DataFrame) -> pl.DataFrame:
    """Return the spans of bars that count in the windows of renamed tickers, and of those that had another owner.

    The columns are those of SPAN. A ticker and first day are there when the security had another ticker before, with a
    row for each ticker it had; or when another security had the ticker before, see `successions`. All other windows
    take every bar of their ticker. `listed` are listings; only securities with known FIGIs are followed.
    """
    renamed = _renamed_spans(listed)
    unrenamed = spans_apart(listed).join(renamed, on=["ticker", "first_day"], how="anti")
    return pl.concat([renamed, unrenamed]).sort("ticker", "first_day", "begin", nulls_last=False)


def spans_apart(listed: pl.DataFrame) -> pl.DataFrame:
    """Return the spans of tickers that another security had before, as SPAN, without former tickers."""
    own = successions(listed).with_columns(source="ticker", begin=pl.col("foreign_until") + DAY)
    open_end = pl.lit(None, pl.Date)
    return own.with_columns(end=open_end, events_end=open_end).select(SPAN.keys())


def with_owners(events: pl.DataFrame, day: str, listed: pl.DataFrame) -> pl.DataFrame:
    """Return `events` (ticker, the date column `day`, any others), and each again for the later tickers.

    Adds `taken_on`, the day from which another security has the ticker, so that the event no longer counts; null where
    none took it.
    """
    later = followed(events, day, listed).drop("followed_from")
    taken = successions(listed).select("foreign_until", name="ticker", taken="first_day")
    numbered = events.with_row_index("event")
    first = (
        numbered.join_where(taken, pl.col("ticker") == pl.col("name"), pl.col(day) <= pl.col("foreign_until"))
        .group_by("event")
        .agg(taken_on=pl.col("taken").min())
    )
    own = numbered.join(first, on="event", how="left", maintain_order="left").drop("event")
    return pl.concat([own, later.with_columns(taken_on=pl.lit(None, pl.Date))])


def own_rows(rows: pl.DataFrame, day: str, tickers: Collection[str], as_of: date, listed: pl.DataFrame) -> pl.DataFrame:
    """Return the bars, or splits, of `rows` (ticker, the date column `day`, any others) that count for `tickers`.

    Those up to the day `as_of` of the securities that have `tickers` then: what the window of a bar of that day is made
    of. `ticker` is one of `tickers`, and `stated_for` the ticker of the row. `listed` are listings.
    """
    in_time = rows.filter(pl.col(day) <= as_of).with_columns(stated_for="ticker")
    changes = own_spans(listed).filter(pl.col("ticker").is_in(list(tickers)), pl.col("first_day") <= as_of)
    spans = changes.filter(pl.col("first_day") == pl.col("first_day").max().over("ticker")).drop("first_day")
    whole = in_time.filter(pl.col("ticker").is_in(list(tickers))).join(spans, on="ticker", how="anti")
    began = pl.col("begin").is_null() | (pl.col(day) >= pl.col("begin"))
    end = pl.col("end" if day == "session" else "events_end")
    joined = in_time.drop("ticker").join(spans, left_on="stated_for", right_on="source", coalesce=False)
    own = joined.filter(began, end.is_null() | (pl.col(day) <= end)).sort("begin", nulls_last=False)
    # A split on the day of a rename counts once, even if it is stated under both tickers.
    once = own.unique(["ticker", day], keep="last", maintain_order=True)
    return pl.concat([whole, once.select(whole.columns)])


def sources_of(tickers: pl.Series, listed: pl.DataFrame) -> pl.Series:
    """Return `tickers` and all tickers from which their windows take bars, each once."""
    spans = own_spans(listed).filter(pl.col("ticker").is_in(tickers.unique().implode()))
    return pl.concat([tickers.cast(pl.String), spans["source"]]).unique()


def followed(changes: pl.DataFrame, day: str, listed: pl.DataFrame) -> pl.DataFrame:
    """Return `changes` (ticker, the date column `day`, any others) again for each later ticker of the security.

    `followed_from` is the first day under the later ticker. Rows under the ticker itself are not repeated.
    """
    later = own_spans(listed).filter(pl.col("source") != pl.col("ticker"))
    pairs = later.select("source", "begin", "events_end", renamed="ticker", followed_from="first_day")
    began = pl.col("begin").is_null() | (pl.col(day) >= pl.col("begin"))
    in_span = changes.join(pairs, left_on="ticker", right_on="source").filter(
        began, pl.col(day) <= pl.col("events_end")
    )
    return in_span.with_columns(ticker="renamed").select(*changes.columns, "followed_from")


def _renamed_spans(listed: pl.DataFrame) -> pl.DataFrame:
    """Return the spans of each listing whose security had another ticker before, as SPAN."""
    several = listed.filter(pl.col("composite_figi").is_not_null() & pl.col("composite_figi").is_duplicated())
    # Nearly every security has one ticker for ever; only the others need the slower work per ticker.
    shared = listed.join(several.select("ticker").unique(), on="ticker", how="semi").sort("ticker", "first_day")
    following = shared.with_columns(taken=pl.col("first_day").shift(-1).over("ticker"))
    identified = following.join(several.select("composite_figi").unique(), on="composite_figi", how="semi")
    former = identified.select("composite_figi", "last_day", "taken", source="ticker", begin="first_day")
    pairs = (
        identified.drop_nulls("first_day")
        .select("composite_figi", "ticker", "first_day")
        .join(former, on="composite_figi")
        .filter(pl.col("last_day") < pl.col("first_day"))
        .filter((pl.col("source") != pl.col("ticker")).any().over("ticker", "first_day"))
    )
    # The vendor's day of delisting is sometimes the last day of trading; the next ticker's bars come first, though.
    a_day_longer = pl.min_horizontal(pl.col("last_day") + DAY, pl.col("taken") - DAY)
    renamed_on = pl.col("begin").shift(-1).over("ticker", "first_day").fill_null(pl.col("first_day"))
    earlier = pairs.sort("ticker", "first_day", "begin", nulls_last=False).with_columns(
        end=pl.min_horizontal(a_day_longer, renamed_on - DAY),
        events_end=pl.min_horizontal(pl.col("last_day") + OVER_A_WEEKEND, pl.col("taken") - DAY),
    )
    open_end = pl.lit(None, pl.Date)
    present = earlier.select("ticker", "first_day").unique()
    own = present.with_columns(source="ticker", begin="first_day", end=open_end, events_end=open_end)
    return pl.concat([earlier.select(SPAN.keys()), own.select(SPAN.keys())])
