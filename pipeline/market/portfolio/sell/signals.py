"""Applies the rules to the positions."""

from collections.abc import Sequence

import polars as pl

from pipeline.contracts.portfolio import SIGNALS
from pipeline.market.portfolio.positions import row_by_row
from pipeline.market.portfolio.sell.rule import BAR, BEFORE, Rule
from pipeline.market.securities.listings import NO_LISTINGS
from pipeline.market.securities.names import under_security

BEFORE_SESSIONS = 20
"""Most sessions back to a ticker's bar before; after a longer gap nothing turns or crosses."""

_KEY = ["ticker", "session"]


def sell_signals(
    marks: pl.DataFrame,
    bars: pl.DataFrame,
    indicators: pl.DataFrame,
    rules: Sequence[Rule],
    listed: pl.DataFrame = NO_LISTINGS,
) -> pl.DataFrame:
    """Return the signals of the rules for `marks`, by position, session and rule: the columns of `SIGNALS`.

    `marks`: rows of `portfolio/position_marks`; a signal is new unless the rule gave it on the session before,
    for which `marks` must have the position's row. `bars`: ticker, session, open, high and low as traded; of a session
    under way, so far. `indicators`: rows of `stocks/indicators`, from BEFORE_SESSIONS before the first session on.
    `listed` are listings: the bar before is the security's own, under whatever ticker.
    A position has no signals on the session it is sold, and none once its security is no longer listed.
    """
    view = _view(marks, bars, indicators, listed)
    signals = pl.concat([_signals_of(view, rule) for rule in rules])
    return signals.sort(SIGNALS.key)


def _view(marks: pl.DataFrame, bars: pl.DataFrame, indicators: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that rules may use, by position and session."""
    just_bought = pl.col("sessions_held") == 0
    paid_since = pl.when(~pl.col("no_bar")).then("close")
    # Without a bar of its own, a bar under its ticker is that of another security.
    traded = marks.filter(~pl.col("no_bar")).select("position", *_KEY)
    with_bars = traded.join(bars.select(*_KEY, *BAR), on=_KEY, how="left")
    joined = (
        marks.join(
            with_bars.join(_with_before(indicators, listed), on=_KEY, how="left"), on=["position", *_KEY], how="left"
        )
        .with_columns(
            open=pl.when(~just_bought).then("open"),
            high=pl.when(just_bought).then(paid_since).otherwise("high"),
            low=pl.when(just_bought).then(paid_since).otherwise("low"),
        )
        .sort("position", "session")
    )
    return row_by_row(joined)


def _with_before(indicators: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """Return `indicators` with those of each security's bar before in further columns, unless it is too long ago."""
    calendar = SIGNALS.venue.calendar.sessions
    places = pl.DataFrame({"session": calendar}, schema={"session": pl.Date}).with_row_index("place")
    security = under_security(indicators.select(_KEY), "session", listed)["ticker"].alias("security")
    rows = indicators.with_columns(security).join(places, on="session").sort("security", "session")
    place = pl.col("place").cast(pl.Int64)
    is_near = place - place.shift(1).over("security") <= BEFORE_SESSIONS
    before = [
        pl.when(is_near).then(pl.col(name).shift(1).over("security")).alias(f"{name}{BEFORE}")
        for name in indicators.columns
        if name not in _KEY
    ]
    return rows.with_columns(before).drop("place", "security")


def _signals_of(view: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Return the rows on which `rule` says to sell."""
    can_sell = ~pl.col("is_closed") & pl.col("delisted_on").is_null()
    judged = view.with_columns(says=rule.condition.fill_null(value=False) & can_sell)
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
