"""Outdated sessions: rows computed from bars, splits or dividends that have changed since."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import polars as pl

from pipeline.market.changed_events import MOMENT, changed_events
from pipeline.market.known_events import KnownEvents
from pipeline.market.securities.listings import NO_LISTINGS
from pipeline.market.securities.own_bars import followed

OUTDATED = {
    "ticker": pl.String,
    "first_session": pl.Date,
    "last_session": pl.Date,
    "event_date": pl.Date,
    "cause": pl.String,
}
"""Columns of outdated ranges: ticker and sessions, the day of the event that changed, and the cause in words."""

UNKNOWN = "what it was computed from can no longer be read"
"""Cause of rows that are computed again because their inputs are unknown."""

_EVENT = ["ticker", "day"]
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def outdated_by_events(  # noqa: PLR0913, PLR0917 (what was computed, and all that it rests on)
    computed: pl.DataFrame,
    history: pl.DataFrame,
    sessions: Sequence[date],
    lookback: int,
    events: KnownEvents,
    listed: pl.DataFrame = NO_LISTINGS,
) -> pl.DataFrame:
    """Return the ranges of rows that were computed with other events than are known now, in the columns of `OUTDATED`.

    `computed` has a row for each computed session: `session`, and `known_at`, the moment as of which the events were
    read (null: none were known). `history` are the rows of the events' table. `sessions` are the exchange's, in order,
    from the first with bars on, and cover the computed ones. A row looks back over `lookback` sessions, its own
    included: an event matters from its day on, for as long as a session before it lies in the window. `listed` are
    listings: an event under a former ticker matters to the rows of the later one.
    """
    stretches = _stretches(computed, sessions).with_columns(since=pl.col("known_at").fill_null(_NEVER))
    meeting = _changes(history, sessions, lookback, events).join_where(
        stretches,
        pl.col("changed_at") > pl.col("since"),
        pl.col("reach_first") <= pl.col("last"),
        pl.col("first") <= pl.col("reach_last"),
    )
    # Only for moments with a later change, and for its tickers: to work out what was known then takes long.
    of_tickers = history.join(meeting.select("ticker").unique(), on="ticker", how="semi")
    moments = meeting["known_at"].unique(maintain_order=True).to_list()
    changes = [
        changed_events(of_tickers, moment, events).with_columns(known_at=pl.lit(moment, MOMENT)) for moment in moments
    ]
    differing = pl.concat([meeting.select(*_EVENT, pl.lit("").alias("cause"), "known_at").clear(), *changes])
    affected = meeting.join(differing, on=[*_EVENT, "known_at"], nulls_equal=True)
    dated = affected.with_columns(event_date="day")
    return overlap_ranges(_with_later_tickers(dated, listed, sessions), sessions)


def outdated_by_bars(
    changed: pl.DataFrame, sessions: Sequence[date], lookback: int, listed: pl.DataFrame = NO_LISTINGS
) -> pl.DataFrame:
    """Return the ranges of rows whose window holds a changed bar, in the columns of `OUTDATED`.

    `changed` has a row for each bar that changed after it was read: `ticker`, `session`, and `first_computed` and
    `last_computed`, the sessions that were computed from the old bar. The other arguments as above.
    """
    at = place(sessions, "session")
    reached = changed.with_columns(
        first=place(sessions, "first_computed"),
        last=place(sessions, "last_computed"),
        reach_first=at,
        reach_last=at + lookback - 1,
        event_date="session",
        cause=pl.lit("its bar changed"),
    )
    affected = _with_later_tickers(reached, listed, sessions)
    return overlap_ranges(affected.filter(overlap()), sessions)


def overlap() -> pl.Expr:
    """Return whether computed sessions lie in the reach of a change."""
    return pl.max_horizontal("first", "reach_first") <= pl.min_horizontal("last", "reach_last")


def _with_later_tickers(affected: pl.DataFrame, listed: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Return `affected` (with ticker, event_date, reach_first …) and the same for the later tickers of the security."""
    begin = pl.max_horizontal("reach_first", place(sessions, "followed_from"))
    later = followed(affected, "event_date", listed).with_columns(reach_first=begin).drop("followed_from")
    return pl.concat([affected, later.filter(overlap())])


def outdated_unknown(rows: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the ranges of rows whose inputs are unknown, because they can no longer be read.

    `rows` has ticker and session; the ranges are in the columns of `OUTDATED`, one for each unbroken stretch.
    """
    placed = rows.unique().with_columns(place=place(sessions, "session")).sort("ticker", "place")
    begins = (pl.col("place") != pl.col("place").shift().over("ticker") + 1).fill_null(value=True)
    ranges = (
        placed.with_columns(stretch=begins.cum_sum())
        .group_by("ticker", "stretch")
        .agg(first_session=pl.col("session").min(), last_session=pl.col("session").max())
    )
    labelled = ranges.with_columns(event_date="first_session", cause=pl.lit(UNKNOWN))
    return labelled.select(list(OUTDATED)).sort("first_session", "ticker")


def with_recomputed(stored: pl.DataFrame, computed: pl.DataFrame, outdated: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `stored`, replaced by those of `computed` in the `outdated` ranges.

    Rows match by ticker and session; `outdated` has ticker (null for every ticker), first_session and last_session. A
    stored row of the ranges that `computed` does not have is dropped.
    """
    due = _in_ranges(pl.concat([stored.select("ticker", "session"), computed.select("ticker", "session")]), outdated)
    unchanged = stored.join(due, on=["ticker", "session"], how="anti")
    return pl.concat([unchanged, computed.join(due, on=["ticker", "session"], how="semi")])


def _in_ranges(rows: pl.DataFrame, ranges: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct (ticker, session) of `rows` that lie in one of the ranges of their ticker."""
    spans = ranges.select("ticker", "first_session", "last_session").unique()
    of_ticker = rows.join(spans, on="ticker")
    of_any = rows.join(spans.filter(pl.col("ticker").is_null()).drop("ticker"), how="cross")
    in_range = pl.concat([of_ticker, of_any]).filter(pl.col("session").is_between("first_session", "last_session"))
    return in_range.select("ticker", "session").unique()


def _stretches(computed: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the computed sessions as unbroken stretches with the same `known_at`: known_at, first, last."""
    placed = computed.with_columns(place=place(sessions, "session")).sort("place")
    broken = (pl.col("place") != pl.col("place").shift() + 1) | pl.col("known_at").ne_missing(
        pl.col("known_at").shift()
    )
    return (
        placed.with_columns(stretch=broken.fill_null(value=True).cum_sum())
        .group_by("stretch", maintain_order=True)
        .agg(pl.col("known_at").first(), first=pl.col("place").min(), last=pl.col("place").max())
    )


def _changes(history: pl.DataFrame, sessions: Sequence[date], lookback: int, events: KnownEvents) -> pl.DataFrame:
    """Return when the vendor last changed what it says of a day, and the places of the sessions that can affect."""
    # Before the first session there is no bar that an event could change.
    dated = history.with_columns(day=events.day).filter(pl.col("day") > sessions[0])
    moments = [dated.select(*_EVENT, changed_at=pl.col(column)) for column in ("first_seen_at", "withdrawn_at")]
    at = place(sessions, "day")
    return (
        pl.concat(moments)
        .drop_nulls("changed_at")
        .group_by(_EVENT)
        .agg(pl.col("changed_at").max())
        .with_columns(reach_first=at, reach_last=at + lookback - 2)
    )


def overlap_ranges(affected: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the overlap of computed stretches with the reach of a change, as sessions; neighbours become one range."""
    event = ["ticker", "event_date", "cause"]
    overlaps = affected.select(
        *event,
        first=pl.max_horizontal("first", "reach_first"),
        last=pl.min_horizontal("last", "reach_last"),
    ).sort(*event, "first")
    apart = (pl.col("first") > pl.col("last").cum_max().shift().over(event) + 1).fill_null(value=True)
    with_island = overlaps.with_columns(island=apart.cum_sum())
    spans = with_island.group_by(*event, "island").agg(pl.min("first"), pl.max("last"))
    calendar = pl.Series(sessions, dtype=pl.Date)
    dated = spans.with_columns(
        calendar.gather(spans["first"]).alias("first_session"), calendar.gather(spans["last"]).alias("last_session")
    )
    return dated.select(list(OUTDATED)).sort("first_session", "ticker", "event_date", "cause")


def place(sessions: Sequence[date], day: str) -> pl.Expr:
    """Return the place among `sessions` of the first one that is not before the date column `day`."""
    calendar = pl.Series(sessions, dtype=pl.Date)
    return pl.lit(calendar).search_sorted(pl.col(day)).cast(pl.Int64)
