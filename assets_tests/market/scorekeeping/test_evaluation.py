import math
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.market.afterwards import DAYS, flat, lists, outcomes, ranked, still, tape, what_followed
from pipeline.contracts.outcomes import HORIZONS, MODEL_SCORES, SESSION_SCORES
from pipeline.market.scorekeeping.evaluation import (
    FEWEST_HORIZONS,
    monthly_scores,
    newey_west,
    overall_scores,
    session_scores,
)
from pipeline.market.scorekeeping.outcomes import PAIR, forward_returns
from pipeline.venues.us_stocks import US_STOCKS

LONG = range(80)


def scores_of(scored, bars, *, top=2, before=None):
    """Return the scores of the lists that the scored make up, after the lists of `before`."""
    after = what_followed(bars)
    listed = ranked(scored, top)
    lists_before = listed if before is None else pl.concat([ranked(before, top), listed])
    rows = session_scores(
        outcomes(listed, scored, after),
        scored,
        forward_returns(scored.select(PAIR).unique(), after),
        after,
        lists_before,
    )
    return SESSION_SCORES.enforce(rows)


def over(scores, horizon, session=1, model="trend"):
    return scores.row(
        by_predicate=(pl.col("horizon") == horizon) & (pl.col("session") == DAYS[session]) & (pl.col("model") == model),
        named=True,
    )


def gaining(**gains):
    """Return tickers that are bought at 10 and stand at 10 × (1 + gain) from the fifth session after the list on."""
    return pl.concat([tape(t, {n: flat(10 * (1 + g) if n >= 6 else 10) for n in LONG}) for t, g in gains.items()])


def test_a_list_is_scored_by_hand():
    bars = gaining(A=0.3, B=-0.2, C=0.1, D=0.0, E=0.2)
    scored = lists({"A": 5.0, "B": 4.0, "C": 3.0, "D": 2.0, "E": 1.0})
    row = over(scores_of(scored, bars, top=3), 5)
    # The median is 0.1: excess 0.2, −0.3, 0.0.
    assert (row["listed"], row["covered"], row["hits"], row["coverage"]) == (3, 3, 1, 1.0)
    assert row["mean_excess"] == pytest.approx(-0.1 / 3)
    # Ranks of scores 5 4 3 2 1 and of returns 5 1 3 2 4: d² = 0 9 0 0 9, 1 − 6 × 18 / (5 × 24).
    assert (row["ranked"], row["ic"]) == (5, pytest.approx(0.1))
    still_then = over(scores_of(scored, bars, top=3), 1)
    assert (still_then["hits"], still_then["mean_excess"], still_then["ic"]) == (0, 0.0, None)


def test_equals_share_the_mean_of_their_ranks():
    scored = lists({"A": 2.0, "B": 1.0, "C": 1.0, "D": 0.0})
    row = over(scores_of(scored, gaining(A=0.3, B=0.2, C=0.1, D=0.1)), 5)
    # Ranks of scores 4 2.5 2.5 1 and of returns 4 3 1.5 1.5, about 2.5: 2.25 + 0 + 0 + 1.5 by √4.5 × √4.5.
    assert row["ic"] == pytest.approx(3.75 / 4.5)


def test_one_candidate_alone_has_no_excess_no_hit_and_no_ic():
    row = over(scores_of(lists({"A": 0.0}), gaining(A=0.5)), 5)
    assert (row["listed"], row["hits"], row["mean_excess"], row["ic"]) == (1, 0, 0.0, None)


def test_who_could_not_be_bought_lowers_the_coverage_and_is_not_ranked():
    bars = pl.concat([gaining(A=0.5, B=0.1), still("C", [n for n in LONG if n != 2])])
    row = over(scores_of(lists({"C": 3.0, "A": 2.0, "B": 1.0}), bars), 5)
    assert (row["listed"], row["covered"], row["coverage"], row["ranked"]) == (2, 1, 0.5, 2)
    assert (row["hits"], row["mean_excess"]) == (1, pytest.approx(0.2))


def test_a_horizon_that_is_not_reached_is_unknown_and_not_zero():
    scores = scores_of(lists({"A": 2.0, "B": 1.0}), pl.concat([still("A", range(10)), still("B", range(10))]))
    assert [over(scores, h)["coverage"] for h in HORIZONS] == [1.0, 1.0, None, None]
    unknown = over(scores, 20)
    assert [unknown[name] for name in ("covered", "hits", "mean_excess", "ranked", "ic")] == [None] * 5
    assert unknown["listed"] == 2


def test_a_reached_horizon_without_a_purchase_is_covered_by_none():
    bars = pl.concat([still("EVERY", LONG), still("A", [0, 1])])
    row = over(scores_of(lists({"A": 1.0}), bars), 5)
    assert (row["covered"], row["coverage"], row["ranked"], row["hits"], row["ic"]) == (0, 0.0, 0, None, None)


def test_turnover_is_the_share_of_the_list_that_is_new():
    bars = pl.concat([still(t, LONG) for t in "ABCDE"])
    before = lists({"A": 3.0, "B": 2.0, "C": 1.0}, on=0)
    today = lists({"D": 4.0, "A": 3.0, "B": 2.0, "C": 1.0})
    assert over(scores_of(today, bars, top=3, before=before), 1)["turnover"] == pytest.approx(1 / 3)
    assert over(scores_of(today, bars, top=3), 1)["turnover"] is None
    other_model = before.with_columns(model=pl.lit("pullback"))
    assert over(scores_of(today, bars, top=3, before=other_model), 1)["turnover"] is None


def test_turnover_is_measured_against_the_session_before_and_no_earlier_one():
    bars = pl.concat([still(t, LONG) for t in "AB"])
    rows = pl.concat([lists({"A": 1.0}, on=n) for n in (0, 2, 3)])
    scores = scores_of(rows, bars, top=1)
    assert [over(scores, 1, n)["turnover"] for n in (0, 2, 3)] == [None, None, 0.0]


def test_no_list_has_no_scores():
    none = scores_of(lists({}), still("A", LONG))
    assert none.is_empty()
    assert MODEL_SCORES.enforce(monthly_scores(none, DAYS)).is_empty()
    assert overall_scores(none, DAYS).is_empty()


def moved(start, end):
    """Return a bar from one price to another."""
    return start, max(start, end), min(start, end), end


def random_market(seed, tickers=30, sessions=12):
    """Return scores of many sessions, many of them equal, and bars that wander from close to close."""
    random = np.random.default_rng(seed)
    names = [f"T{number:02}" for number in range(tickers)]
    closes = 20 * np.exp(np.cumsum(random.normal(0, 0.02, (tickers, 80)), axis=1)).round(2)
    wandering = [{n: moved(*pair) for n, pair in enumerate(pairwise(row))} for row in closes]
    bars = pl.concat([tape(name, path) for name, path in zip(names, wandering, strict=True)])
    drawn = random.integers(-6, 6, (sessions, tickers)) / 4
    scored = pl.concat([lists(dict(zip(names, row, strict=True)), on=n) for n, row in enumerate(drawn, 1)])
    return scored, bars


@pytest.mark.thorough
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_alphalens_finds_the_same_rank_ic(seed):
    # Loaded here: together these take seconds, and every process of tests reads this file.
    import pandas as pd  # noqa: PLC0415
    from alphalens.performance import factor_information_coefficient  # noqa: PLC0415

    scored, bars = random_market(seed)
    returns = forward_returns(scored.select(PAIR), what_followed(bars))
    wide = scored.join(returns.pivot("horizon", index=PAIR, values="return"), on=PAIR)
    index = pd.MultiIndex.from_arrays(
        [pd.to_datetime(wide["session"].to_list()), wide["ticker"].to_list()], names=["date", "asset"]
    )
    theirs = pd.DataFrame({f"{h}D": wide[str(h)].to_list() for h in HORIZONS}, index=index)
    theirs["factor"] = wide["score"].to_list()
    expected = factor_information_coefficient(theirs)
    ours = scores_of(scored, bars).pivot("horizon", index="session", values="ic").sort("session")
    for h in HORIZONS:
        assert ours[str(h)].to_list() == pytest.approx(expected[f"{h}D"].to_list(), abs=1e-12)


def error(values, lags):
    return pl.DataFrame({"x": values}, schema={"x": pl.Float64}).select(newey_west(pl.col("x"), lags)).item()


def naive_error(values, lags):
    """Return the same, one pair of sessions after the other."""
    there = {at: value for at, value in enumerate(values) if value is not None}
    mean = math.fsum(there.values()) / len(there)
    together = 0.0
    for at, one in there.items():
        for other_at, other in there.items():
            weight = max(0.0, 1 - abs(at - other_at) / (lags + 1))
            together += weight * (one - mean) * (other - mean)
    return math.sqrt(max(together, 0.0) / len(there) / (len(there) - 1))


@given(st.lists(st.none() | st.integers(-50, 50).map(lambda n: n / 1000), min_size=2, max_size=40), st.integers(0, 45))
def test_the_error_agrees_with_a_naive_loop_over_pairs_of_sessions_gaps_included(values, lags):
    if sum(value is not None for value in values) > 1:
        assert error(values, lags) == pytest.approx(naive_error(values, lags), abs=1e-9)


@pytest.mark.parametrize("lags", [0, 4, 19])
def test_statsmodels_finds_the_same_error_where_there_is_no_gap(lags):
    import statsmodels.api as sm  # noqa: PLC0415 (it takes seconds)

    values = np.convolve(np.random.default_rng(7).normal(0.01, 0.05, 140), np.ones(20) / 20, "valid")
    fitted = sm.OLS(values, np.ones(len(values))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}
    )
    assert error(values.tolist(), lags) == pytest.approx(float(fitted.bse[0]), rel=1e-9)


def test_without_lags_it_is_the_usual_standard_error():
    # Deviations −1, 0, 1: √(2 / 2) / √3.
    assert error([1.0, 2.0, 3.0], 0) == pytest.approx(1 / math.sqrt(3))
    assert error([1.0], 0) is None
    assert error([None, None], 0) is None


def score(on, horizon=1, **figures):
    """Return the score of a list, an ordinary one by default."""
    ordinary = {
        "model": "trend",
        "model_version": 1,
        "session": DAYS[on],
        "horizon": horizon,
        "listed": 10,
        "covered": 10,
        "hits": 5,
        "mean_excess": 0.0,
        "ranked": 100,
        "ic": 0.0,
        "turnover": 0.1,
        "coverage": 1.0,
    }
    return ordinary | figures


def monthly(*rows):
    return MODEL_SCORES.enforce(monthly_scores(pl.DataFrame(rows, schema=SESSION_SCORES.columns), DAYS))


def test_a_month_is_summed_up_by_hand():
    pattern = (
        {"hits": 8, "mean_excess": 0.03, "ic": 0.3, "turnover": None},
        {"hits": 2, "mean_excess": -0.01, "ic": 0.1, "covered": 5, "coverage": 0.5},
        {"hits": 5, "mean_excess": 0.01, "ic": 0.2, "turnover": 0.4},
    )
    (row,) = monthly(*(score(n, **pattern[n % 3]) for n in range(12))).iter_rows(named=True)
    assert (row["month"], row["sessions"], row["candidates"]) == ("2024-01", 12, 120)
    assert row["hit_rate"] == pytest.approx(15 / 25)
    assert row["mean_excess"] == pytest.approx(0.01)
    # Deviations 0.02, −0.02, 0, four times.
    assert row["mean_excess_se"] == pytest.approx(math.sqrt(4 * 0.0008 / 11 / 12))
    assert row["mean_ic"] == pytest.approx(0.2)
    # Deviations 0.1, −0.1, 0, four times.
    assert row["ic_t"] == pytest.approx(0.2 / math.sqrt(4 * 0.02 / 11 / 12))
    assert row["turnover"] == pytest.approx(0.25)
    assert row["coverage"] == pytest.approx(25 / 30)


def test_months_models_versions_and_horizons_are_kept_apart():
    in_february = DAYS.index(next(day for day in DAYS if day.month == 2))
    rows = [score(0), score(in_february), score(0, 5), score(1, model_version=2), score(2, model="pullback")]
    found = monthly(*rows).select("model", "model_version", "month", "horizon").rows()
    assert found == [
        ("pullback", 1, "2024-01", 1),
        ("trend", 1, "2024-01", 1),
        ("trend", 1, "2024-01", 5),
        ("trend", 1, "2024-02", 1),
        ("trend", 2, "2024-01", 1),
    ]


def test_horizons_that_overlap_widen_the_error_and_gaps_keep_their_place():
    drawn = [0.03, 0.02, 0.03, -0.01, -0.02, -0.01, 0.01, 0.02] * 7
    places = [n for n in range(80) if n % 5 != 3][: len(drawn)]
    rows = [score(n, 5, mean_excess=x, ic=10 * x) for n, x in zip(places, drawn, strict=True)]
    overall = overall_scores(pl.DataFrame(rows, schema=SESSION_SCORES.columns), DAYS).row(0, named=True)
    placed = [dict(zip(places, drawn, strict=True)).get(n) for n in range(places[-1] + 1)]
    assert overall["mean_excess_se"] == pytest.approx(naive_error(placed, 4))
    assert overall["ic_t"] == pytest.approx(sum(drawn) / len(drawn) / naive_error(placed, 4))
    assert naive_error(placed, 4) > naive_error(placed, 0)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_too_few_sessions_for_the_horizon_have_no_error(horizon):
    years = US_STOCKS.calendar.between(date(2021, 1, 4), date(2024, 12, 31))[: FEWEST_HORIZONS * horizon]
    rows = [score(0, horizon, session=day, mean_excess=n % 3 / 100, ic=n % 2 / 10) for n, day in enumerate(years)]
    whole, less = (
        overall_scores(pl.DataFrame(some, schema=SESSION_SCORES.columns), years).row(0, named=True)
        for some in (rows, rows[:-1])
    )
    assert None not in (whole["mean_excess_se"], whole["ic_t"])
    assert (less["mean_excess_se"], less["ic_t"]) == (None, None)
    assert None not in (less["mean_excess"], less["mean_ic"])


def test_values_that_do_not_differ_have_no_t_statistic():
    (row,) = monthly(*(score(n, ic=0.1) for n in range(12))).iter_rows(named=True)
    assert (row["mean_ic"], row["ic_t"]) == (pytest.approx(0.1), None)


def test_lists_whose_horizon_is_not_reached_are_counted_nowhere_but_in_the_turnover():
    unknown = dict.fromkeys(("covered", "hits", "mean_excess", "ranked", "ic", "coverage"))
    (row,) = monthly(score(0, 5, hits=6), score(1, 5, **unknown, turnover=0.3)).iter_rows(named=True)
    assert (row["sessions"], row["candidates"], row["hit_rate"], row["coverage"]) == (1, 10, 0.6, 1.0)
    assert row["turnover"] == pytest.approx(0.2)
    (waiting,) = monthly(score(1, 5, **unknown)).iter_rows(named=True)
    assert (waiting["sessions"], waiting["candidates"]) == (0, 0)
    assert [waiting[name] for name in ("hit_rate", "mean_excess", "mean_ic", "coverage")] == [None] * 4
