"""What stocks did after a session, bought at the next session's open. Looks ahead on purpose: never rank by it.

A return runs from the open of the session after the list's to the close h sessions after the list's, on a total-return
basis, in the same security, whatever ticker it trades under. Without a bar at that close, its last close before counts.
A horizon whose session is not in the lake has no return.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipeline.contracts.outcomes import (
    CANDIDATE_OUTCOMES,
    COMPLETE,
    DELISTED,
    HORIZONS,
    IN_DOUBT,
    LONGEST,
    NO_ENTRY,
    RUNNING,
)
from pipeline.market.prices.adjust import adjusted
from pipeline.market.securities.names import events_under_security, last_days, under_security

SILENT_SESSIONS = 10
"""Sessions without a bar, up to the newest session, after which a security counts as delisted."""

DECIMALS = 12
"""Returns on the price bases of two days differ in the last digits; rounding keeps that out of ranks."""

LIST = ["model", "model_version", "session"]
"""Columns that identify a list."""

PAIR = ["ticker", "session"]
"""Columns that identify a purchase: a ticker, and the session of the list after which it was bought."""


@dataclass(frozen=True)
class Aftermath:
    """What the lake has of the sessions after some lists."""

    prices: pl.DataFrame
    """The bars on one total-return basis, and `traded_open`, the open as traded; `ticker` holds the security."""
    later: pl.DataFrame
    """session, step (1 … LONGEST), later: the session so many sessions after it, if it is in the lake."""
    entry_sessions: pl.DataFrame
    """session, entry_session: the session after it, whether it is in the lake or not."""
    listed: pl.DataFrame
    """Listings, in the columns of `listings.LISTING`."""
    doubtful: pl.DataFrame
    """security, doubt_on: the days that no return reaches over; a purchase before `reaches_from` is in doubt."""


def aftermath(  # noqa: PLR0913, PLR0917 (all that moves prices)
    bars: pl.DataFrame,
    splits: pl.DataFrame,
    dividends: pl.DataFrame,
    doubtful: pl.DataFrame,
    listed: pl.DataFrame,
    sessions: Sequence[date],
) -> Aftermath:
    """Return what `bars` show of the sessions after some lists.

    `bars` are rows of `stocks/daily_bars`; a session without any bar is not in the lake.
    `sessions` are the exchange's, in order: from the one before the first list's to LONGEST after the last list's, or
    as far as the calendar goes. `splits` and `dividends` are those of `adjust.adjusted`, `doubtful` comes
    from `days_in_doubt.days_in_doubt`, `listed` from `listings.listings`.
    """
    calendar = pl.DataFrame({"session": sessions}, schema={"session": pl.Date}).with_row_index("place")
    steps = pl.DataFrame({"step": range(1, LONGEST + 1)}, schema={"step": pl.UInt32})
    later = (
        calendar.join(steps, how="cross")
        .with_columns(at=pl.col("place") + pl.col("step"))
        .join(calendar.select(at="place", later="session"), on="at")
        .select("session", "step", "later")
    )
    traded = under_security(bars, "session", listed).with_columns(traded_open="open")
    split = events_under_security(splits, "execution_date", listed)
    paid = events_under_security(dividends, "ex_dividend_date", listed)
    return Aftermath(
        prices=adjusted(traded, split, paid, sessions[-1], "total_return"),
        later=later.join(bars.select(later="session").unique(), on="later", how="semi"),
        entry_sessions=later.filter(pl.col("step") == 1).select("session", entry_session="later"),
        listed=listed,
        doubtful=under_security(doubtful, "execution_date", listed).select(
            "reaches_from", security="ticker", doubt_on="execution_date"
        ),
    )


def forward_returns(pairs: pl.DataFrame, after: Aftermath) -> pl.DataFrame:
    """Return the total returns of buying `pairs` (PAIR): PAIR, horizon, return (a share, rounded to 12 decimals).

    There is a row for each horizon whose session is in the lake, if there is a bar on the session of the entry, and no
    split or price in doubt between the two.
    """
    closes = after.prices.select(security="ticker", at="session", exit="close").sort("at")
    targets = after.later.filter(pl.col("step").is_in(HORIZONS))
    bought = _entries(pairs, after).drop_nulls("entry").join(targets, on="session").rename({"later": "at"})
    undoubted = bought.filter(pl.col("doubt_on").is_null() | (pl.col("doubt_on") > pl.col("at"))).sort("at")
    # The bar of the entry exists, so there is always a match. Polars cannot check the order within securities, and
    # warns; both sides were just sorted.
    sold = undoubted.join_asof(closes, on="at", by="security", check_sortedness=False)
    change = (pl.col("exit") / pl.col("entry") - 1).round(DECIMALS)
    horizon = pl.col("step").cast(pl.Int32).alias("horizon")
    return sold.select(*PAIR, horizon, change.alias("return")).sort(*PAIR, "horizon")


def candidate_outcomes(
    listed: pl.DataFrame, scored: pl.DataFrame, returns: pl.DataFrame, after: Aftermath
) -> pl.DataFrame:
    """Return the outcomes of the candidates `listed`, in the columns of `stocks/candidate_outcomes`.

    `listed` are rows of `stocks/candidates`; `scored` all tickers that passed the models' universes on their sessions
    (of `screen.rank.scores`); `returns` those of both (of `forward_returns`). The universe's return is the median over
    the scored tickers that have a return. A list by another model version than the scored one has none, and no excess
    return.
    """
    wide = (
        listed.select(*LIST, "ticker", horizon=pl.lit(HORIZONS, pl.List(pl.Int32)))
        .explode("horizon")
        .join(returns, on=[*PAIR, "horizon"], how="left")
        .join(_universe_returns(scored, returns), on=[*LIST, "horizon"], how="left")
        .with_columns(excess=(pl.col("return") - pl.col("universe")).round(DECIMALS))
        .group_by(*LIST, "ticker")
        .agg(
            pl.col(name).filter(pl.col("horizon") == h).first().alias(f"{name}_{h}")
            for h in HORIZONS
            for name in ("return", "universe", "excess")
        )
    )
    fates = _fates(_entries(listed.select(PAIR).unique(), after), after)
    rows = listed.select(*LIST, "ticker", "rank", "score").join(fates, on=PAIR).join(wide, on=[*LIST, "ticker"])
    return rows.select(list(CANDIDATE_OUTCOMES.columns)).sort("session", "model", "rank")


def _entries(pairs: pl.DataFrame, after: Aftermath) -> pl.DataFrame:
    """Return `pairs` with the entry of each purchase.

    Adds `security`, `entry_session`; null without a bar: `entry`, its open, and `traded_open`; and `doubt_on`, the day
    of the first doubt after the entry, if there is one.
    """
    opens = after.prices.select("traded_open", security="ticker", entry_session="session", entry="open")
    securities = under_security(pairs, "session", after.listed)["ticker"]
    return (
        pairs.with_columns(security=securities)
        .join(after.entry_sessions, on="session")
        .join(opens, on=["security", "entry_session"], how="left")
        .sort("entry_session")
        .join_asof(
            after.doubtful.sort("reaches_from"),
            left_on="entry_session",
            right_on="reaches_from",
            by="security",
            strategy="forward",
            allow_exact_matches=False,
            coalesce=False,
            check_sortedness=False,
        )
    )


def _fates(entered: pl.DataFrame, after: Aftermath) -> pl.DataFrame:
    """Return the fates of `entered` (of `_entries`): PAIR and the columns of an outcome that are not returns."""
    lived = entered.join(_lives(entered, after), on=PAIR, how="left")
    steps = pl.col("steps").fill_null([])
    is_in_doubt = (pl.col("doubt_on") <= pl.col("newest")).fill_null(value=False)
    whole = steps.list.contains(LONGEST) & ~is_in_doubt
    reached = pl.all_horizontal(steps.list.contains(h) for h in HORIZONS)
    fate = (
        pl.when(~steps.list.contains(1))
        .then(pl.lit(RUNNING))
        .when(pl.col("entry").is_null())
        .then(pl.lit(NO_ENTRY))
        .when(is_in_doubt)
        .then(pl.lit(IN_DOUBT))
        .when(pl.col("is_delisted") | (pl.col("silence") >= SILENT_SESSIONS))
        .then(pl.lit(DELISTED))
        .when(reached)
        .then(pl.lit(COMPLETE))
        .otherwise(pl.lit(RUNNING))
    )
    return lived.select(
        *PAIR,
        "entry_session",
        entry_open="traded_open",
        last_session=pl.when(pl.col("entry").is_not_null()).then("last"),
        fate=fate,
        worst_60=pl.when(whole).then(pl.col("lowest") / pl.col("entry") - 1).round(DECIMALS),
        best_60=pl.when(whole).then(pl.col("highest") / pl.col("entry") - 1).round(DECIMALS),
    )


def _lives(entered: pl.DataFrame, after: Aftermath) -> pl.DataFrame:
    """Return what the lake has of the sessions after each entry.

    PAIR; `steps`: which sessions after the list are in the lake, `newest` the last of them; `lowest`, `highest`,
    `last`: the extremes of the bars and the session of the last one; `silence`: held sessions after that;
    `is_delisted`: whether the listing had ended by `newest`.
    """
    bars = after.prices.select("low", "high", security="ticker", later="session")
    last = pl.col("later").filter(pl.col("low").is_not_null()).max()
    return (
        entered.join(after.later, on="session")
        .join(bars, on=["security", "later"], how="left")
        .join(last_days(after.listed), on="security", how="left")
        .group_by(PAIR)
        .agg(
            steps="step",
            newest=pl.col("later").max(),
            lowest=pl.col("low").min(),
            highest=pl.col("high").max(),
            last=last,
            silence=(pl.col("later") > last).sum(),
            is_delisted=(pl.col("last_day") <= pl.col("later").max()).any(),
        )
    )


def _universe_returns(scored: pl.DataFrame, returns: pl.DataFrame) -> pl.DataFrame:
    scored_returns = scored.join(returns, on=PAIR)
    return scored_returns.group_by(*LIST, "horizon").agg(universe=pl.col("return").median())
