"""Which computed rows no longer follow from the bars and splits that are known now."""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from pipeline.market.securities.reference import applicable_splits

OUTDATED = {
    "ticker": pl.String,
    "first_session": pl.Date,
    "last_session": pl.Date,
    "event_date": pl.Date,
    "cause": pl.String,
}
"""Columns of outdated ranges: whose rows of which sessions, and because of what (in words) of which day."""

UNKNOWN = "what it was computed from can no longer be read"
"""Cause of rows that are computed anew since nobody can tell whether they still hold."""

_SPLIT = ["ticker", "execution_date"]
_MOMENT = pl.Datetime("us", "UTC")


def outdated_by_splits(
    computed: pl.DataFrame, history: pl.DataFrame, sessions: Sequence[date], lookback: int
) -> pl.DataFrame:
    """Return the ranges of rows that rest on other splits than are known now, in the columns of `OUTDATED`.

    `computed` has a row for each session that was computed: `session`, and `known_at`, the moment whose knowledge of
    splits it rests on (null: it knew of none). `history` are the rows of `reference/splits`. `sessions` are the
    exchange's, in order, from the first with bars on, and cover the computed ones. A row looks back over `lookback`
    sessions, its own included: a split matters from its execution date on, for as long as a session before it lies in
    the window.
    """
    meeting = (
        _stretches(computed, sessions)
        .join(_news(history, sessions, lookback), how="cross")
        .filter(
            pl.col("known_at").is_null() | (pl.col("said_at") > pl.col("known_at")),
            pl.max_horizontal("first", "reach_first") <= pl.min_horizontal("last", "reach_last"),
        )
    )
    # Only for the moments that something was said after: working out what was known then reads the whole history.
    moments = meeting["known_at"].unique(maintain_order=True).to_list()
    differing = pl.concat([_differing(history, moment) for moment in [*moments, None]]).unique()
    affected = meeting.join(differing, on=[*_SPLIT, "known_at"], nulls_equal=True)
    return _ranges(affected.with_columns(event_date="execution_date"), sessions)


def outdated_by_bars(changed: pl.DataFrame, sessions: Sequence[date], lookback: int) -> pl.DataFrame:
    """Return the ranges of rows whose window holds a changed bar, in the columns of `OUTDATED`.

    `changed` has a row for each bar that differs from the one that was read: `ticker`, `session`, and `first_computed`
    and `last_computed`, the sessions that were computed from the former one. `sessions` and `lookback` as above.
    """
    at = _place(sessions, "session")
    affected = changed.with_columns(
        first=_place(sessions, "first_computed"),
        last=_place(sessions, "last_computed"),
        reach_first=at,
        reach_last=at + lookback - 1,
        event_date="session",
        cause=pl.lit("its bar changed"),
    ).filter(pl.max_horizontal("first", "reach_first") <= pl.min_horizontal("last", "reach_last"))
    return _ranges(affected, sessions)


def outdated_unknown(rows: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the ranges of rows of which nobody knows any more what they were computed from.

    `rows` has ticker and session; the ranges are in the columns of `OUTDATED`, one for each unbroken stretch.
    """
    placed = rows.unique().with_columns(place=_place(sessions, "session")).sort("ticker", "place")
    begins = (pl.col("place") != pl.col("place").shift().over("ticker") + 1).fill_null(value=True)
    ranges = (
        placed.with_columns(stretch=begins.cum_sum())
        .group_by("ticker", "stretch")
        .agg(first_session=pl.col("session").min(), last_session=pl.col("session").max())
    )
    told = ranges.with_columns(event_date="first_session", cause=pl.lit(UNKNOWN))
    return told.select(list(OUTDATED)).sort("first_session", "ticker")


def with_restated(stored: pl.DataFrame, computed: pl.DataFrame, outdated: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `stored`, but in the `outdated` ranges those of `computed`.

    All by ticker and session; `outdated` has ticker (null is every one), first_session and last_session. A row of the
    ranges that is not computed any more goes.
    """
    due = _in_ranges(pl.concat([stored.select("ticker", "session"), computed.select("ticker", "session")]), outdated)
    kept = stored.join(due, on=["ticker", "session"], how="anti")
    return pl.concat([kept, computed.join(due, on=["ticker", "session"], how="semi")])


def _in_ranges(rows: pl.DataFrame, ranges: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct (ticker, session) of `rows` that lie in one of the ranges of their ticker."""
    spans = ranges.select("ticker", "first_session", "last_session").unique()
    of_ticker = rows.join(spans, on="ticker")
    of_any = rows.join(spans.filter(pl.col("ticker").is_null()).drop("ticker"), how="cross")
    found = pl.concat([of_ticker, of_any]).filter(pl.col("session").is_between("first_session", "last_session"))
    return found.select("ticker", "session").unique()


def _stretches(computed: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the computed sessions as unbroken stretches that rest on the same knowledge: known_at, first, last."""
    placed = computed.with_columns(place=_place(sessions, "session")).sort("place")
    broken = (pl.col("place") != pl.col("place").shift() + 1) | pl.col("known_at").ne_missing(
        pl.col("known_at").shift()
    )
    return (
        placed.with_columns(stretch=broken.fill_null(value=True).cum_sum())
        .group_by("stretch", maintain_order=True)
        .agg(pl.col("known_at").first(), first=pl.col("place").min(), last=pl.col("place").max())
    )


def _news(history: pl.DataFrame, sessions: Sequence[date], lookback: int) -> pl.DataFrame:
    """Return when something was newly said of a split, and the places of the sessions that it can matter to."""
    # Before the first session there is no bar that a split could change.
    dated = history.filter(pl.col("execution_date") > sessions[0])
    said = [dated.select(*_SPLIT, said_at=pl.col(column)) for column in ("first_seen_at", "withdrawn_at")]
    at = _place(sessions, "execution_date")
    return (
        pl.concat(said)
        .drop_nulls("said_at")
        .group_by(_SPLIT)
        .agg(pl.col("said_at").max())
        .with_columns(reach_first=at, reach_last=at + lookback - 2)
    )


def _differing(history: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    """Return the splits that were known otherwise at `known_at` (None: not at all) than now, and how."""
    now = applicable_splits(history)
    then = applicable_splits(history, known_at) if known_at else now.clear()
    ratio = pl.col("split_to") / pl.col("split_from")
    both = then.select(*_SPLIT, was=ratio).join(now.select(*_SPLIT, now=ratio), on=_SPLIT, how="full", coalesce=True)
    changed = both.filter(pl.col("was").ne_missing(pl.col("now")))
    return changed.select(*_SPLIT, known_at=pl.lit(known_at, _MOMENT), cause=_told())


def _told() -> pl.Expr:
    was, now = pl.col("was"), pl.col("now")
    return (
        pl.when(was.is_null())
        .then(pl.format("split of {} for 1 became known", now))
        .when(now.is_null())
        .then(pl.format("split of {} for 1 no longer holds", was))
        .otherwise(pl.format("split is {} for 1, not {}", now, was))
    )


def _ranges(affected: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Return where computed stretches and the reach of a change meet, as sessions; neighbours become one range."""
    event = ["ticker", "event_date", "cause"]
    met = affected.select(
        *event,
        first=pl.max_horizontal("first", "reach_first"),
        last=pl.min_horizontal("last", "reach_last"),
    ).sort(*event, "first")
    apart = (pl.col("first") > pl.col("last").cum_max().shift().over(event) + 1).fill_null(value=True)
    spans = met.with_columns(island=apart.cum_sum()).group_by(*event, "island").agg(pl.min("first"), pl.max("last"))
    calendar = pl.Series(sessions, dtype=pl.Date)
    dated = spans.with_columns(
        calendar.gather(spans["first"]).alias("first_session"), calendar.gather(spans["last"]).alias("last_session")
    )
    return dated.select(list(OUTDATED)).sort("first_session", "ticker", "event_date", "cause")


def _place(sessions: Sequence[date], day: str) -> pl.Expr:
    """Return the place among `sessions` of the first one that is not before the date column `day`."""
    calendar = pl.Series(sessions, dtype=pl.Date)
    return pl.lit(calendar).search_sorted(pl.col(day)).cast(pl.Int64)
