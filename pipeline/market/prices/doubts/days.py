"""Each bar beside the bar before it, and the days among them that have to be judged. Pure."""

from collections.abc import Sequence
from datetime import date
from math import exp

import polars as pl

from pipeline.contracts.table import in_strict_order
from pipeline.market.securities.listings import successions

WINDOW = 126
"""Sessions before a day that say what is usual for a ticker, and within which its last bar counts: half a year."""

SMALLEST_JUMP = 0.15
"""Log return of open and close against the close before, from which on a day is looked at: 14 % down, 16 % up."""

SMALLEST_SPIKE = 0.10
"""Log return of a high or low beyond the closes before and after it, from which on a day is looked at."""

_BEFORE = ("session", "place", "close", "volume")
_BAR = ("open", "high", "low", "close", "volume", "transactions")


def days(bars: pl.DataFrame, sessions: Sequence[date], earliest: int) -> pl.DataFrame:
    """Return the `bars` from the place `earliest` in `sessions` on, by ticker and session, each beside the bar before.

    Adds `place`, the number of the session in `sessions`, and of the bar before `previous_session`, `previous_place`
    `previous_close` and `previous_volume`; `before_place` and `before_close` are those of the bar before that. Null for
    the first bars.
    """
    reached = bars.filter(pl.col("session").is_between(sessions[earliest], sessions[-1]))
    narrow = reached.select("ticker", "session", *_BAR)
    ordered = narrow if in_strict_order(narrow, ("ticker", "session")) else narrow.sort("ticker", "session")
    place = pl.Series(sessions, dtype=pl.Date).search_sorted(ordered["session"]).cast(pl.Int32)
    placed = ordered.lazy().with_columns(place.alias("place"))
    one = pl.col("ticker") == pl.col("ticker").shift(1)
    two = one & one.shift(1)
    return placed.with_columns(
        *(pl.when(one).then(pl.col(name).shift(1)).alias(f"previous_{name}") for name in _BEFORE),
        *(pl.when(two).then(pl.col(name).shift(2)).alias(f"before_{name}") for name in ("place", "close")),
    ).collect()


def suspects(every_day: pl.DataFrame, events: pl.DataFrame, listed: pl.DataFrame, first: int) -> pl.DataFrame:
    """Return the days from the place `first` on that have to be judged, numbered by `day`.

    These are days on which the price jumps or a print stands out, as traded, and the first bar on or after each of
    `events` (ticker, date). A day counts only with a bar before it that is not older than WINDOW sessions and is of the
    same security (`listed` are listings). Adds `foreign_until`, the day up to which bars belong to another security.
    """
    recent = every_day.lazy().filter(pl.col("place") >= first, pl.col("previous_place") >= pl.col("place") - WINDOW)
    before = pl.col("previous_close")
    up, down = exp(SMALLEST_JUMP) * before, exp(-SMALLEST_JUMP) * before
    jumps = (pl.min_horizontal("open", "close") >= up) | (pl.max_horizontal("open", "close") <= down)
    high = pl.col("high") >= exp(SMALLEST_SPIKE) * pl.max_horizontal("close", before)
    low = pl.col("low") <= exp(-SMALLEST_SPIKE) * pl.min_horizontal("close", before)
    noticed = recent.filter(jumps | high | low)
    chosen = pl.concat([noticed, _first_bars(recent, events)]).unique(["ticker", "place"])
    return _own(chosen.collect().sort("ticker", "place"), listed).with_row_index("day")


def rise(before: pl.Expr) -> pl.Expr:
    """Return how far the high lies above both the close and the price `before`, as a log return."""
    return (pl.col("high") / pl.max_horizontal(pl.col("close"), before)).log()


def fall(before: pl.Expr) -> pl.Expr:
    """Return how far the low lies below both the close and the price `before`, as a log return."""
    return (pl.min_horizontal(pl.col("close"), before) / pl.col("low")).log()


def within_span(rows: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
    """Return each of `rows` (ticker, previous_session, session) with each event of its ticker since the bar before.

    `events` have ticker and `date`; an event counts after `previous_session`, up to and including `session`.
    """
    both = rows.join(events, on="ticker")
    return both.filter(pl.col("date") > pl.col("previous_session"), pl.col("date") <= pl.col("session"))


def _first_bars(recent: pl.LazyFrame, events: pl.DataFrame) -> pl.LazyFrame:
    """Return the first bar on or after each of `events`."""
    days_of = events.lazy().select("ticker", "date").unique()
    told = within_span(recent.select("ticker", "place", "session", "previous_session"), days_of)
    return recent.join(told, on=["ticker", "place"], how="semi")


def _own(chosen: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """Return the `chosen` days whose bar before is of the same security, with `foreign_until`."""
    changes = successions(listed).select("ticker", "first_day", "foreign_until")
    changed = (
        chosen.lazy().select("ticker", "place", "session")
        .join(changes.lazy(), on="ticker")
        .filter(pl.col("session") >= pl.col("first_day"))
        .group_by("ticker", "place")
        .agg(pl.col("foreign_until").max())
    )  # fmt: skip
    known = chosen.lazy().join(changed, on=["ticker", "place"], how="left", maintain_order="left")
    is_own = (pl.col("previous_session") > pl.col("foreign_until")).fill_null(value=True)
    begun = _begun_since(chosen.lazy(), listed)
    return known.filter(is_own).join(begun, on=["ticker", "place"], how="anti", maintain_order="left").collect()


def _begun_since(chosen: pl.LazyFrame, listed: pl.DataFrame) -> pl.LazyFrame:
    """Return ticker and place of the days before which a listing began again: splits may have come in between."""
    again = listed.filter(pl.col("ticker").is_duplicated()).drop_nulls("first_day").select("ticker", "first_day")
    joined = chosen.select("ticker", "place", "previous_session", "session").join(again.lazy(), on="ticker")
    is_between = (pl.col("first_day") > pl.col("previous_session")) & (pl.col("first_day") <= pl.col("session"))
    return joined.filter(is_between).select("ticker", "place").unique()
