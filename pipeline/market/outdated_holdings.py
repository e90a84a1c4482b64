"""Outdated sessions: marks that rest on other splits, dividends or listings of what is held than now known. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import polars as pl

from pipeline.market.changed_events import CHANGED, changed_events, known_then, last_change, moments_of
from pipeline.market.known_events import APPLIED_DIVIDENDS, APPLIED_SPLITS, KnownEvents
from pipeline.market.outdated_ranges import OUTDATED, overlap_ranges, place
from pipeline.market.securities.listings import DAY, LISTING, listings
from pipeline.market.securities.names import events_under_security, named_listings, under_security

Histories = Mapping[str, pl.DataFrame]
"""The rows of the tables of reference data, by name: splits, dividends, tickers, ticker_events."""


def outdated_holdings(
    marks: pl.DataFrame, book: pl.DataFrame, histories: Histories, sessions: Sequence[date]
) -> pl.DataFrame:
    """Return the sessions whose marks rest on other events of what is held than are known now, as `OUTDATED`.

    `marks` has a row for each mark: position, session, and the moments as of which its run knew each table, in the
    columns `splits_at`, `dividends_at`, `tickers_at` and `events_at` (null: nothing was known). `book` are positions in
    force; `histories` the rows of reference data, at least those of every ticker held; `sessions` the exchange's.
    """
    tickers, events = histories["tickers"], histories["ticker_events"]
    listed = listings(tickers, events)
    held = marks.join(book.select("position", "ticker", "opened", "closed"), on="position")
    changed = [
        _by_events(held, histories["splits"], "splits_at", APPLIED_SPLITS, listed),
        _by_events(held, histories["dividends"], "dividends_at", APPLIED_DIVIDENDS, listed),
        _by_listings(held, tickers, events, listed),
    ]
    at = place(sessions, "session")
    affected = pl.concat(changed).unique().with_columns(first=at, last=at, reach_first=at, reach_last=at)
    return overlap_ranges(affected, sessions)


_AFFECTED = ["ticker", "session", "event_date", "cause"]
_NOTHING = pl.DataFrame(schema={name: OUTDATED.get(name, pl.Date) for name in _AFFECTED})


def _by_events(
    held: pl.DataFrame, history: pl.DataFrame, column: str, kind: KnownEvents, listed: pl.DataFrame
) -> pl.DataFrame:
    """Return the marks that rest on other events of a `kind`, with the event: the columns of _AFFECTED."""
    moments = moments_of(history)
    affected = [_NOTHING]
    own = _under_own_security(held, listed).with_columns(last_change(column, moments))
    for (known_at,), marks in own.partition_by(column, as_dict=True).items():
        if known_at != moments.max():
            changed = changed_events(history, known_at, kind)
            affected.append(_reached(marks, events_under_security(changed, "day", listed)))
    return pl.concat(affected)


def _reached(marks: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """Return the `marks` on which one of the `changed` events (ticker: the security's name) has an effect.

    An event takes effect on its day; it also changes what a later sale took from a position, and so all of its marks.
    """
    in_time = pl.col("day") > pl.col("opened")
    has_effect = (pl.col("day") <= pl.col("session")) | (pl.col("day") <= pl.col("last_sale"))
    joined = marks.join(changed.rename({"ticker": "security"}), on="security").filter(in_time, has_effect)
    return joined.select("ticker", "session", event_date="day", cause="cause")


def _by_listings(held: pl.DataFrame, tickers: pl.DataFrame, events: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """Return the marks of securities whose listings changed since, as _AFFECTED."""
    moments = moments_of(tickers), moments_of(events)
    affected = [_NOTHING]
    asof = held.with_columns(last_change("tickers_at", moments[0]), last_change("events_at", moments[1]))
    for known, marks in asof.partition_by("tickers_at", "events_at", as_dict=True).items():
        if known != (moments[0].max(), moments[1].max()):
            then = _listings_at(tickers, events, *known)
            for one, other in ((listed, then), (then, listed)):
                affected.append(_reached(_under_own_security(marks, one), changed_listings(one, other)))
    return pl.concat(affected).unique()


def changed_listings(listed: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Return when listings of `listed` that `other` lacks begin and end, as CHANGED with the security's name."""
    named = listed.with_columns(named_listings(listed)["security"])
    key = ["ticker", "composite_figi", "first_day", "last_day"]
    new = named.join(other.select(key), on=key, how="anti", nulls_equal=True)
    days = pl.concat(
        [
            new.select("security", day="first_day", cause=pl.format("its ticker is {} from then on", "ticker")),
            new.select("security", day=pl.col("last_day") + DAY, cause=pl.format("it is no longer {}", "ticker")),
        ]
    )
    return days.drop_nulls("day").rename({"security": "ticker"}).select(list(CHANGED))


def _listings_at(
    tickers: pl.DataFrame, events: pl.DataFrame, tickers_at: datetime | None, events_at: datetime | None
) -> pl.DataFrame:
    return listings(known_then(tickers, tickers_at), known_then(events, events_at)).select(list(LISTING))


def _under_own_security(marks: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """Return `marks` with the name of the `security` that had the ticker on the day of the opening, and `last_sale`."""
    names = under_security(marks.select("ticker", "opened"), "opened", listed)["ticker"]
    return marks.with_columns(security=names).with_columns(last_sale=pl.col("closed").max().over("security"))
