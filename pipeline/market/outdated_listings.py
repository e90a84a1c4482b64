"""Outdated sessions: indicators computed from bars of other tickers than today's listings call for. Pure."""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from pipeline.market.changed_events import known_then, last_change, moments_of
from pipeline.market.outdated_ranges import OUTDATED, overlap, overlap_ranges, place
from pipeline.market.securities.listings import listings
from pipeline.market.securities.own_bars import SPAN, own_spans, spans_apart

_CHANGE = ["ticker", "first_day"]

Known = tuple[datetime | None, datetime | None, bool]
"""When tickers were known, when renames were, and whether the code followed renames."""


def outdated_by_listings(
    computed: pl.DataFrame,
    tickers: pl.DataFrame,
    ticker_events: pl.DataFrame,
    sessions: Sequence[date],
    lookback: int,
) -> pl.DataFrame:
    """Return the ranges of rows whose windows would hold bars of other tickers now, in the columns of `OUTDATED`.

    `computed` has a row for each computed session: `session`; `tickers_at` and `events_at`, the moments as of which
    `reference/tickers` and `reference/ticker_events` were read (null: nothing was known); and `follows_renames`,
    whether the code took the bars under former tickers. `tickers` and `ticker_events` are the rows of these tables.
    `sessions` and `lookback` are those of `outdated_by_events`.
    """
    securities, renames = _that_matter(tickers, ticker_events)
    moments = moments_of(securities), moments_of(renames)
    asof = computed.with_columns(
        last_change("tickers_at", moments[0]), last_change("events_at", moments[1]), place=place(sessions, "session")
    )
    know = ["tickers_at", "events_at", "follows_renames"]
    now = _clipped(own_spans(listings(securities, renames)), sessions, lookback)
    ranges = [pl.DataFrame(schema=OUTDATED)]
    for known, group in asof.partition_by(know, as_dict=True).items():
        if known != (moments[0].max(), moments[1].max(), True):
            then = _clipped(_spans_at(securities, renames, known), sessions, lookback)
            ranges.append(_affected(_differing(then, now), group, sessions, lookback))
    return pl.concat(ranges).unique().sort("first_session", "ticker", "event_date")


def _that_matter(tickers: pl.DataFrame, ticker_events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows about securities that ever shared a ticker, or had several: only these have spans."""
    claims = pl.concat([rows.select("ticker", "composite_figi") for rows in (tickers, ticker_events)]).unique()
    several = claims.drop_nulls().filter(
        (pl.col("composite_figi").n_unique().over("ticker") > 1)
        | (pl.col("ticker").n_unique().over("composite_figi") > 1)
    )
    matters = pl.col("ticker").is_in(several["ticker"].unique().implode())
    return tickers.filter(matters), ticker_events.filter(matters)


def _spans_at(securities: pl.DataFrame, renames: pl.DataFrame, known: Known) -> pl.DataFrame:
    """Return the own spans by what was known, and by the code of the time."""
    tickers_at, events_at, follows_renames = known
    listed = listings(known_then(securities, tickers_at), known_then(renames, events_at))
    return own_spans(listed) if follows_renames else spans_apart(listed)


def _clipped(spans: pl.DataFrame, sessions: Sequence[date], lookback: int) -> pl.DataFrame:
    """Return `spans` as far as they reach into a window at their first day, since the rest makes no difference."""
    calendar = pl.Series(sessions, dtype=pl.Date)
    dated = spans.filter(pl.col("first_day") > calendar[0], pl.col("first_day") <= calendar[-1])
    at = dated.select(place(sessions, "first_day") - (lookback - 1)).to_series().clip(0)
    reach = calendar.gather(at)
    inside = dated.with_columns(begin=pl.max_horizontal("begin", reach))
    return inside.filter(pl.col("end").is_null() | (pl.col("end") >= pl.col("begin"))).select(SPAN.keys())


def _differing(then: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Return ticker and first_day of the spans that differ, with the cause in words."""
    columns = list(SPAN)
    gone = then.join(now, on=columns, how="anti", nulls_equal=True).select(_CHANGE)
    new = now.join(then, on=columns, how="anti", nulls_equal=True).select(_CHANGE)
    former = now.filter(pl.col("source") != pl.col("ticker")).sort("begin").unique(_CHANGE, keep="last")
    cause = (
        pl.when(pl.col("source").is_not_null())
        .then(pl.format("it was {} before", "source"))
        .otherwise(pl.lit("another security had the ticker before"))
    )
    changed = pl.concat([gone, new]).unique()
    return changed.join(former.select(*_CHANGE, "source"), on=_CHANGE, how="left").select(*_CHANGE, cause=cause)


def _affected(changed: pl.DataFrame, computed: pl.DataFrame, sessions: Sequence[date], lookback: int) -> pl.DataFrame:
    """Return the ranges of rows of the `computed` sessions whose windows reach back to a change."""
    at = place(sessions, "first_day")
    reached = changed.with_columns(reach_first=at, reach_last=at + lookback - 2, event_date="first_day")
    # Neighbours have the same difference between place and number.
    unbroken = (
        computed.sort("place")
        .group_by(pl.col("place") - pl.int_range(pl.len()))
        .agg(first=pl.col("place").min(), last=pl.col("place").max())
    )
    within = reached.join(unbroken.select("first", "last"), how="cross").filter(overlap())
    return overlap_ranges(within, sessions)
