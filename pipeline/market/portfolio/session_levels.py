"""Stop, target and peak of each position at each session, through splits and dividends. Pure."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from pipeline.market.portfolio.levels import TERMS, Actions, Level, TermHistory, level_columns, term_histories

Row = dict[str, Any]


def with_levels(days: pl.DataFrame, history: pl.DataFrame, actions: Actions) -> pl.DataFrame:
    """Return `days` with stop, target and peak on each session's basis, and how dividends lowered stop and peak.

    `days`: every session of each position from its opening on, by position and session, with `bar`, the close of the
    session if there is one, and `close`, which may be of an earlier session. `history`: rows of `portfolio/positions`.
    A part that was sold had the terms of the position it was split off from. The peak is the highest of the price paid
    and the closes since, each lowered by the dividends after it.
    """
    last: date = days.select(pl.col("session").max().fill_null(date.min)).item()
    marked = days.drop("stop", "target").with_columns(whose=pl.coalesce("split_off_from", "position"))
    terms = term_histories(history.join(marked.select(position="whose").unique(), on="position", how="semi"))
    for name in TERMS:
        marked = _joined(marked, _steps(terms, name, actions, last), by="whose")
    return _with_peak(marked, terms, actions, last).drop("whose")


def _steps(terms: dict[int, TermHistory], name: str, actions: Actions, last: date) -> pl.DataFrame:
    """Return the stop or target of each position, in `whose`, from each `day` on which it changed."""
    rows = [
        {"whose": position, "day": day} | (level.columns(name) if level else {})
        for position, own in terms.items()
        for day, level in own.levels(name, actions, last).items()
    ]
    return pl.DataFrame(rows, schema={"whose": pl.Int64, "day": pl.Date, **level_columns(name)})


def _with_peak(days: pl.DataFrame, terms: dict[int, TermHistory], actions: Actions, last: date) -> pl.DataFrame:
    """Return `days` with the columns of the peak.

    Splits and dividends begin a new span of days, for which the peak is moved. Within a span it only rises.
    """
    span = ["position", "span"]
    spans = _spans(days, actions, last)
    in_spans = _joined(days, spans.select(*span, day="span"), by="position")
    highest = in_spans.group_by(span).agg(highest=pl.col("bar").max())
    begins = pl.DataFrame(
        _peaks(spans.join(highest, on=span, how="left").sort(span), terms, actions),
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
            for action in actions.between(row["ticker"], before, row["span"]):
                peak = peak.after(action, is_reduced=terms[row["whose"]].is_reduced_on(action.day))
        yield {"position": row["position"], "span": row["span"]} | peak.columns("peak")
        if row["highest"] is not None and row["highest"] > peak.price.usd:
            peak = Level.of(row["highest"])
        before = row["span"]


def _joined(days: pl.DataFrame, steps: pl.DataFrame, *, by: str) -> pl.DataFrame:
    """Return `days`, by position and session, with the newest of `steps` up to each session."""
    return (
        days.sort("session")
        # Polars cannot check the order within positions, and warns; both sides were just sorted.
        .join_asof(steps.sort("day"), left_on="session", right_on="day", by=by, check_sortedness=False)
        .drop("day", strict=False)
        .sort("position", "session")
    )
