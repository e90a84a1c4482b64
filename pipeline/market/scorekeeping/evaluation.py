"""How good lists were: each list, and all lists of a model, with standard errors that allow for overlapping horizons.

Sources: the information coefficient is that of Grinold and Kahn, *Active Portfolio Management* (2000), taken over ranks
(Spearman 1904). Standard errors are those of Newey and West, "A Simple, Positive Semi-Definite, Heteroskedasticity and
Autocorrelation Consistent Covariance Matrix", Econometrica 55 (1987), with h − 1 lags: returns over h sessions of lists
that lie less than h sessions apart share sessions (Hansen and Hodrick, Journal of Political Economy 88, 1980). Sessions
without a list add nothing, but keep their place (the "amplitude modulated" estimator of Datta and Du, Federal
Reserve International Finance Discussion Paper 1060, 2012).
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.contracts.outcomes import HORIZONS, SESSION_SCORES
from pipeline.market.scorekeeping.outcomes import DECIMALS, LIST, PAIR, Aftermath

FEWEST_HORIZONS = 10
"""Fewest horizons' worth of lists for a standard error; with fewer it comes out far too small."""

NOTHING = 1e-12
"""A standard error up to this is a rounding error: the values do not differ."""

MODEL = ["model", "model_version"]


def session_scores(
    outcomes: pl.DataFrame, scored: pl.DataFrame, returns: pl.DataFrame, after: Aftermath, lists: pl.DataFrame
) -> pl.DataFrame:
    """Return how good each list was over each horizon, in the columns of `stocks/session_scores`.

    `outcomes` are rows of `stocks/candidate_outcomes`, whole lists; `scored`, `returns` and `after` their inputs
    (see `outcomes`); `lists` are the model, session and ticker of the candidates of these sessions and of the one
    before.
    """
    reached = after.later.select("session", horizon=pl.col("step").cast(pl.Int32), is_reached=pl.lit(value=True))
    is_reached = pl.col("is_reached")
    return (
        _by_horizon(outcomes)
        .join(_rank_correlations(scored, returns), on=[*LIST, "horizon"], how="left")
        .join(reached, on=["session", "horizon"], how="left")
        .join(_turnovers(lists, after.entry_sessions), on=["model", "session"], how="left")
        .with_columns(pl.when(is_reached).then("covered"), pl.when(is_reached).then(pl.col("ranked").fill_null(0)))
        .with_columns(coverage=pl.col("covered") / pl.col("listed"))
        .select(list(SESSION_SCORES.columns))
        .sort("session", "model", "horizon")
    )


def monthly_scores(scores: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Return how good each model's lists of each month were, in the columns of `stocks/model_scores`.

    `scores` are rows of `stocks/session_scores`; `sessions` are the exchange's, in order, and cover them.
    """
    of_month = scores.with_columns(month=pl.col("session").dt.strftime("%Y-%m"))
    return _summarized(of_month, [*MODEL, "month"], sessions)


def overall_scores(scores: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Return how good each model's lists were overall, in the columns of `monthly_scores` without the month."""
    return _summarized(scores, MODEL, sessions)


def newey_west(values: pl.Expr, lags: int) -> pl.Expr:
    """Return the standard error of the mean of `values`, one per session in order, null where there is none.

    Bartlett weights 1 − j / (lags + 1), and n / (n − 1) for the mean being estimated: without lags it is the usual
    standard error. Null for fewer than two values.
    """
    count = values.count()
    away = (values - values.mean()).fill_null(0.0)
    together = (away * away).sum()
    for lag in range(1, lags + 1):
        together += 2 * (1 - lag / (lags + 1)) * (away * away.shift(lag)).sum()
    # Positive semi-definite: below zero by rounding only.
    variance = pl.max_horizontal(together, 0.0) / (count * (count - 1))
    return pl.when(count > 1).then(variance.sqrt())


def _by_horizon(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return per list and horizon: listed, covered, hits, mean_excess."""
    long = pl.concat(
        outcomes.select(*LIST, "ticker", pl.lit(h, pl.Int32).alias("horizon"), gain=f"return_{h}", excess=f"excess_{h}")
        for h in HORIZONS
    )
    excess = pl.col("excess")
    return (
        long.sort("ticker")
        .group_by(*LIST, "horizon")
        .agg(
            listed=pl.len().cast(pl.Int32),
            covered=pl.col("gain").count().cast(pl.Int32),
            hits=pl.when(excess.count() > 0).then((excess > 0).sum().cast(pl.Int32)),
            mean_excess=excess.mean().round(DECIMALS),
        )
    )


def _rank_correlations(scored: pl.DataFrame, returns: pl.DataFrame) -> pl.DataFrame:
    """Return Spearman's correlation of scores with returns: LIST, horizon, ranked, ic.

    Equal values share the mean of their ranks. Null for fewer than two, or when all scores or all returns are equal.
    """
    # Scores are sums of floats: what should be equal may differ in the last digit.
    ranks = [pl.col("score").round(DECIMALS).rank("average"), pl.col("return").rank("average")]
    return (
        scored.join(returns, on=PAIR)
        .sort("ticker")
        .group_by(*LIST, "horizon")
        .agg(ranked=pl.len().cast(pl.Int32), ic=pl.corr(*ranks))
        .with_columns(pl.col("ic").fill_nan(None).round(DECIMALS).clip(-1, 1))
    )


def _turnovers(lists: pl.DataFrame, next_sessions: pl.DataFrame) -> pl.DataFrame:
    """Return the share of each list that was not on the list of the session before, for lists that have one."""
    carried = lists.join(next_sessions, on="session").select("model", "ticker", session="entry_session", stayed=1)
    follows = carried.select("model", "session").unique()
    return (
        lists.join(follows, on=["model", "session"])
        .join(carried, on=["model", "session", "ticker"], how="left")
        .group_by("model", "session")
        .agg(turnover=pl.col("stayed").null_count() / pl.len())
    )


def _summarized(scores: pl.DataFrame, by: list[str], sessions: Sequence[date]) -> pl.DataFrame:
    whole = _on_every_session(scores, [*by, "horizon"], sessions)
    parts = [whole.filter(pl.col("horizon") == h).group_by(*by, "horizon").agg(_figures(h)) for h in HORIZONS]
    return pl.concat(parts).sort(*by, "horizon")


def _on_every_session(scores: pl.DataFrame, by: list[str], sessions: Sequence[date]) -> pl.DataFrame:
    """Return `scores` by time with a row for each session from a group's first to its last, null if there is none."""
    places = pl.DataFrame({"session": sessions}, schema={"session": pl.Date}).with_row_index("place")
    placed = scores.join(places, on="session")
    span = pl.int_ranges(pl.col("place").min(), pl.col("place").max() + 1)
    every = placed.group_by(by).agg(place=span).explode("place").with_columns(pl.col("place").cast(pl.UInt32))
    return every.join(placed, on=[*by, "place"], how="left").sort(*by, "place")


def _figures(horizon: int) -> list[pl.Expr]:
    """Return the figures of a group of lists, one row per session in order, over one horizon."""
    excess, ic, covered = pl.col("mean_excess"), pl.col("ic"), pl.col("covered")
    excess_error, ic_error = (_error(values, horizon) for values in (excess, ic))
    reached = pl.col("listed").filter(covered.is_not_null()).sum()
    judged = covered.filter(pl.col("hits").is_not_null()).sum()
    return [
        covered.count().cast(pl.Int32).alias("sessions"),
        reached.cast(pl.Int32).alias("candidates"),
        pl.when(judged > 0).then(pl.col("hits").sum() / judged).alias("hit_rate"),
        excess.mean().alias("mean_excess"),
        excess_error.alias("mean_excess_se"),
        ic.mean().alias("mean_ic"),
        pl.when(ic_error > NOTHING).then(ic.mean() / ic_error).alias("ic_t"),
        pl.col("turnover").mean().alias("turnover"),
        pl.when(reached > 0).then(covered.sum() / reached).alias("coverage"),
    ]


def _error(values: pl.Expr, horizon: int) -> pl.Expr:
    enough = values.count() >= FEWEST_HORIZONS * horizon
    return pl.when(enough).then(newey_west(values, horizon - 1))
