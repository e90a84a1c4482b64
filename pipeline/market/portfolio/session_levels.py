"""Stop, target and peak of each position at each session, through splits and dividends. Pure."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from pipeline.market.portfolio.levels import TERMS, Actions, Level, TermHistory, level_columns

Row = dict[str, Any]


def with_terms_in_force(days: pl.DataFrame, terms: dict[int, TermHistory], actions: Actions) -> pl.DataFrame:
    """Return `days` (position, session, whose, in that order) with stop and target on each session's basis.

    `terms` are those of each position by number; the ones of the position `whose` count. With the stop come the
    columns that say how dividends lowered it.
    """
    last = _last(days)
    marked = days.drop(TERMS).sort("session")
    for name in TERMS:
        steps = _steps(terms, name, actions, last)
        # Polars cannot check the order within positions, and warns; both sides are sorted by day.
        marked = marked.join_asof(
            steps.sort("day"), left_on="session", right_on="day", by="whose", check_sortedness=False
        ).drop("day")
    return marked.sort("position", "session")


def _steps(terms: dict[int, TermHistory], name: str, actions: Actions, last: date) -> pl.DataFrame:
    """Return the stop or target of each position, in `whose`, from each `day` on which it changed."""
    rows = [
        {"whose": position, "day": day} | (level.columns(name) if level else {})
        for position, own in terms.items()
        for day, level in own.levels(name, actions, last).items()
    ]
    return pl.DataFrame(rows, schema={"whose": pl.Int64, "day": pl.Date, **level_columns(name)})


def with_peak(days: pl.DataFrame, terms: dict[int, TermHistory], actions: Actions) -> pl.DataFrame:
    """Return `days` with the peak on each session's basis, and how dividends lowered it.

    The peak is the highest of the price paid and the closes since, each lowered by the dividends after it. `days`:
    every session of each position from its opening on, by position and session, with `bar`, the close of the session
    if there is one, and `close`, which may be of an earlier session. `terms` as for `with_terms_in_force`.
    """
    # Splits and dividends begin a new span of days, for which the peak is moved. Within a span it only rises.
    span = ["position", "span"]
    spans = _spans(days, actions, _last(days)).sort(span)
    # Polars cannot check the order within positions, and warns; both sides are sorted by position and day.
    in_spans = days.join_asof(
        spans.select(*span, day="span"), left_on="session", right_on="day", by="position", check_sortedness=False
    ).drop("day")
    highest = in_spans.group_by(span).agg(highest=pl.col("bar").max())
    begins = pl.DataFrame(
        _peaks(spans.join(highest, on=span, how="left", maintain_order="left"), terms, actions),
        schema={"position": pl.Int64, "span": pl.Date, **level_columns("peak")},
    )
    # A close that is carried over from before a dividend may lie above the lowered peak.
    reached = pl.max_horizontal(pl.col("bar").cum_max().forward_fill().over(span), "close")
    is_passed = (reached >= pl.col("peak")).fill_null(value=True)
    marked = in_spans.join(begins, on=span, how="left", maintain_order="left").with_columns(
        *(pl.when(~is_passed).then(name).alias(name) for name in level_columns("peak") if name != "peak"),
        peak=pl.max_horizontal("peak", reached),
    )
    return marked.drop("span")


def _last(days: pl.DataFrame) -> date:
    return days.select(pl.col("session").max().fill_null(date.min)).item()


def _spans(days: pl.DataFrame, actions: Actions, last: date) -> pl.DataFrame:
    """Return the first day of each span of each position, with the columns that its peak depends on."""
    positions = days.select("position", "whose", "ticker", "opened", "price").unique("position", maintain_order=True)
    rows = [
        row | {"span": day}
        for row in positions.iter_rows(named=True)
        for day in {row["opened"], *(action.day for action in actions.between(row["ticker"], row["opened"], last))}
    ]
    return pl.DataFrame(rows, schema={**positions.schema, "span": pl.Date})


def _peaks(spans: pl.DataFrame, terms: dict[int, TermHistory], actions: Actions) -> Iterator[Row]:
    """Yield the peak with which each of `spans`, in order, begins; `highest` is the highest close within it."""
    peak, before = Level.of(0.0), date.min
    for row in spans.iter_rows(named=True):
        if row["span"] == row["opened"]:
            peak = Level.of(row["price"])
        else:
            between = actions.between(row["ticker"], before, row["span"])
            for action in terms[row["whose"]].moving("peak", between):
                peak = peak.after(action)
        yield {"position": row["position"], "span": row["span"]} | peak.columns("peak")
        if row["highest"] is not None and row["highest"] > peak.price.usd:
            peak = Level.of(row["highest"])
        before = row["span"]
