"""Cash dividends: the factor for prices before an ex-date that turns price changes into total returns. Pure.

Source: the dividend multiplier of adjusted closes by the standards of the Center for Research in Security Prices
(CRSP), as Yahoo Finance describes it ("What is the adjusted close?"): 1 − dividend / close of the session before.
"""

import polars as pl

from pipeline.market.prices.splits import RATIO, products_between, require_sound

NO_BAR_BEFORE = "no_bar_before"
NOT_BELOW_CLOSE = "not_below_close"

UNAPPLIED = {
    NO_BAR_BEFORE: "There is no bar of the ticker before the ex-date to compare the amount with.",
    NOT_BELOW_CLOSE: "The amount is as large as the close before the ex-date, or larger.",
}
"""Why a dividend is not applied to prices: reason code to meaning."""


def dividend_events(bars: pl.DataFrame, splits: pl.DataFrame, dividends: pl.DataFrame) -> pl.DataFrame:
    """Return `dividends` with the factor of each, sorted by ticker and ex-date.

    Adds `previous_session` and `previous_close`, those of the ticker's last bar before the ex-date, the close put on
    the shares of the ex-date, since the amount is per share of that day; `dividend_factor` = 1 − cash_amount /
    previous_close; and `unapplied`, a code of UNAPPLIED where there is no factor, else null.

    `bars`: ticker, session, close as traded, in any order; `splits`: ticker, execution_date, split_from, split_to;
    `dividends`: ticker, ex_dividend_date, cash_amount in the currency of the close.
    Raises ContractBroken when a ticker has two splits or dividends on a day, or a number is not positive.
    """
    sound = require_sound(dividends, "ex_dividend_date", ("cash_amount",)).sort("ticker", "ex_dividend_date")
    before = _last_bar_before(bars, sound)
    spans = before.select("ticker", since="previous_session", until="ex_dividend_date")
    ratios = require_sound(splits, "execution_date", RATIO).rename({"execution_date": "day"})
    split = products_between(ratios, spans, RATIO)
    judged = before.with_columns(previous_close=pl.col("close") * split["split_from"] / split["split_to"])
    reason = (
        pl.when(pl.col("previous_close").is_null())
        .then(pl.lit(NO_BAR_BEFORE))
        .when(pl.col("cash_amount") >= pl.col("previous_close"))
        .then(pl.lit(NOT_BELOW_CLOSE))
    )
    factor = pl.when(reason.is_null()).then(1 - pl.col("cash_amount") / pl.col("previous_close"))
    return judged.drop("close").with_columns(dividend_factor=factor, unapplied=reason)


def dividend_factors(events: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Return `spans` (ticker, since, until, and any other columns) with `dividend_factor`, rows in their order.

    The product of the factors of the applied `events` (of `dividend_events`) with an ex-date after `since` and no
    later than `until`; 1 without one; the reciprocal where `until` lies before `since`.
    """
    applied = applied_dividends(events)
    return spans.with_columns(products_between(applied, spans, ["dividend_factor"]))


def applied_dividends(events: pl.DataFrame) -> pl.DataFrame:
    """Return ticker, `day` (the ex-date) and `dividend_factor` of the `events` that have a factor."""
    return events.filter(pl.col("unapplied").is_null()).select("ticker", "dividend_factor", day="ex_dividend_date")


def unapplied_dividends(events: pl.DataFrame) -> pl.DataFrame:
    """Return the `events` that change no price, with the reason in `unapplied`."""
    return events.filter(pl.col("unapplied").is_not_null())


def _last_bar_before(bars: pl.DataFrame, dividends: pl.DataFrame) -> pl.DataFrame:
    """Return `dividends`, sorted by ticker and ex-date, with `previous_session` and `close` of the bar before."""
    payers = bars.select("ticker", "session", "close").join(dividends, on="ticker", how="semi")
    return (
        dividends.sort("ex_dividend_date")
        .join_asof(
            payers.rename({"session": "previous_session"}).sort("previous_session"),
            left_on="ex_dividend_date",
            right_on="previous_session",
            by="ticker",
            strategy="backward",
            allow_exact_matches=False,
            coalesce=False,
            # Polars cannot look at the order within tickers, and warns; both sides were just sorted.
            check_sortedness=False,
        )
        .sort("ticker", "ex_dividend_date")
    )
