"""Outdated sessions: all rows of a session that rest on other splits, dividends or doubts than are known now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipeline.market.changed_events import changed_events, last_change, moments_of
from pipeline.market.known_events import KnownEvents
from pipeline.market.outdated_ranges import OUTDATED, overlap_ranges, place


@dataclass(frozen=True)
class Reach:
    """The sessions whose rows an event may change, counted in sessions from the first one that is not before it."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Return how many sessions an event may change."""
        return self.last - self.first + 1


def changed_in_time(
    computed: pl.DataFrame, history: pl.DataFrame, kind: KnownEvents, reach: Reach, sessions: Sequence[date]
) -> pl.DataFrame:
    """Return the statements of events that changed after a session in their `reach` was computed.

    Cheap, and mostly empty: an ordinary refresh tells events before they take effect. `computed` has a row for each
    computed session: `session`, `known_at` (null: nothing was known), and `newest`, the last session with bars then.
    `history` are the vendor's statements of a `kind`; `sessions` the exchange's, in order.
    """
    if computed.is_empty():
        return history.clear()
    oldest = _oldest_known(computed, reach, sessions)
    at = (place(sessions, kind.day) + reach.last).clip(0, len(oldest) - 1)
    changed_at = pl.max_horizontal("first_seen_at", "withdrawn_at").dt.epoch("us")
    dated = history.filter(pl.col(kind.day) > sessions[0], pl.col(kind.day) <= computed["newest"].max())
    late = dated.filter(changed_at > pl.lit(oldest).gather(at))
    return history.join(late.select("ticker", kind.day).unique(), on=["ticker", kind.day], how="semi")


def sessions_outdated_by_events(
    computed: pl.DataFrame, statements: pl.DataFrame, kind: KnownEvents, reach: Reach, sessions: Sequence[date]
) -> pl.DataFrame:
    """Return the ranges of sessions that rest on other events than are known now, in the columns of `OUTDATED`.

    `statements` are those of `changed_in_time`, of the tickers that matter; the other arguments are the same. All rows
    of a session are outdated: of several events of one day, the first is named and the others are counted.
    """
    moments = moments_of(statements)
    asof = computed.with_columns(last_change("known_at", moments))
    ranges = [pl.DataFrame(schema=OUTDATED)]
    for (known_at,), group in asof.partition_by("known_at", as_dict=True).items():
        if known_at != moments.max():
            ranges.append(sessions_reached(group, changed_events(statements, known_at, kind), reach, sessions))
    return pl.concat(ranges)


def sessions_reached(
    computed: pl.DataFrame, changed: pl.DataFrame, reach: Reach, sessions: Sequence[date]
) -> pl.DataFrame:
    """Return the ranges of `computed` sessions (with `newest`) that `changed` events reach, as `OUTDATED`.

    `changed` is in the columns of `changed_events.CHANGED`.
    """
    placed = computed.select("newest", place=place(sessions, "session"))
    reached = placed.join_where(
        _by_day(changed, reach, sessions),
        pl.col("place") >= pl.col("reach_first"),
        pl.col("place") <= pl.col("reach_last"),
        pl.col("event_date") <= pl.col("newest"),
    )
    return overlap_ranges(reached.with_columns(first="place", last="place").select(_AFFECTED), sessions)


_AFFECTED = ["ticker", "event_date", "cause", "first", "last", "reach_first", "reach_last"]

_LATEST = 2**62
"""Later than every moment, in microseconds."""


def _oldest_known(computed: pl.DataFrame, reach: Reach, sessions: Sequence[date]) -> pl.Series:
    """Return, for each place of a session and `reach.length` more, the oldest moment known by the sessions up to it.

    In microseconds; over the last `reach.length` places.
    """
    places = pl.DataFrame({"place": pl.int_range(len(sessions) + reach.length, eager=True)})
    known = computed.select(place=place(sessions, "session"), at=pl.col("known_at").dt.epoch("us").fill_null(0))
    dense = places.join(known, on="place", how="left", maintain_order="left")["at"].fill_null(_LATEST)
    return dense.rolling_min(reach.length, min_samples=1)


def _by_day(changed: pl.DataFrame, reach: Reach, sessions: Sequence[date]) -> pl.DataFrame:
    """Return one row for each day with `changed` events: the first of them, in words, and the places it reaches."""
    at = place(sessions, "event_date")
    of_day = (
        changed.rename({"day": "event_date"})
        .sort("event_date", "ticker")
        .group_by("event_date", maintain_order=True)
        .agg(pl.col("ticker", "cause").first(), others=pl.len() - 1)
    )
    more = pl.when(pl.col("others") > 0).then(pl.format(" (and {} more)", "others")).otherwise(pl.lit(""))
    return of_day.with_columns(
        cause=pl.concat_str("cause", more), reach_first=at + reach.first, reach_last=at + reach.last
    ).drop("others")
