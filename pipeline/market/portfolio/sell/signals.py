"""Applies the rules to the positions."""

from collections.abc import Sequence

import polars as pl

from pipeline.contracts.portfolio import SIGNALS
from pipeline.market.portfolio.positions import row_by_row
from pipeline.market.portfolio.sell.rule import BAR, BEFORE, Rule

BEFORE_SESSIONS = 20
"""Most sessions back to a ticker's bar before; after a longer gap nothing turns or crosses."""

_KEY = ["ticker", "session"]


def sell_signals(
    marks: pl.DataFrame, bars: pl.DataFrame, indicators: pl.DataFrame, rules: Sequence[Rule]
) -> pl.DataFrame:
    """Return the signals of the rules for `marks`, by position, session and rule: the columns of `SIGNALS`.

    `marks`: rows of `portfolio/position_marks`; a signal is new unless the rule gave it on the session before,
    for which `marks` must have the position's row. `bars`: ticker, session, open, high and low as traded; of a session
    under way, so far. `indicators`: rows of `stocks/indicators`, from BEFORE_SESSIONS before the first session on.
    A position has no signals on the session it is sold.
    """
    view = _view(marks, bars, indicators)
    signals = pl.concat([_signals_of(view, rule) for rule in rules])
    return signals.sort(SIGNALS.key)


def _view(marks: pl.DataFrame, bars: pl.DataFrame, indicators: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that rules may use, by position and session."""
    just_bought = pl.col("sessions_held") == 0
    paid_since = pl.when(~pl.col("no_bar")).then("close")
    joined = (
        marks.join(bars.select(*_KEY, *BAR), on=_KEY, how="left")
        .join(_with_before(indicators), on=_KEY, how="left")
        .with_columns(
            open=pl.when(~just_bought).then("open"),
            high=pl.when(just_bought).then(paid_since).otherwise("high"),
            low=pl.when(just_bought).then(paid_since).otherwise("low"),
        )
        .sort("position", "session")
    )
    return row_by_row(joined)


def _with_before(indicators: pl.DataFrame) -> pl.DataFrame:
    """Return `indicators` with those of each ticker's bar before in further columns, unless it is too long ago."""
    calendar = SIGNALS.venue.calendar.sessions
    places = pl.DataFrame({"session": calendar}, schema={"session": pl.Date}).with_row_index("place")
    rows = indicators.join(places, on="session").sort(_KEY)
    place = pl.col("place").cast(pl.Int64)
    is_near = place - place.shift(1).over("ticker") <= BEFORE_SESSIONS
    before = [
        pl.when(is_near).then(pl.col(name).shift(1).over("ticker")).alias(f"{name}{BEFORE}")
        for name in indicators.columns
        if name not in _KEY
    ]
    return rows.with_columns(before).drop("place")


def _signals_of(view: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Return the rows on which `rule` says to sell."""
    judged = view.with_columns(says=rule.condition.fill_null(value=False) & ~pl.col("is_closed"))
    follows = pl.col("sessions_held").shift(1) == pl.col("sessions_held") - 1
    signalled_before = (pl.col("says").shift(1) & follows).over("position").fill_null(value=False)
    signals = judged.with_columns(is_new=~signalled_before).filter("says")
    return signals.select(
        "position",
        "session",
        "ticker",
        "is_new",
        rule=pl.lit(rule.name),
        rule_version=pl.lit(rule.version, pl.Int32),
        severity=pl.lit(rule.severity),
        value=rule.value.cast(pl.Float64),
        threshold=rule.threshold.cast(pl.Float64),
        reasons=pl.concat_list(rule.reasons).list.drop_nulls(),
    ).select(list(SIGNALS.columns))
