"""What holds for any panel, and a second, naive implementation in plain Python that must agree."""

import itertools
import math
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.examples import examples
from assets_tests.market.screen.panels import day, factor
from pipeline.contracts.candidates import CANDIDATES
from pipeline.market.screen.model import Model, Universe
from pipeline.market.screen.models import MODELS
from pipeline.market.screen.rank import candidates

WEIGHTS = {"return_60": 0.6, "rsi_14": -0.3, "return_5": 0.1}
MODEL = Model(
    name="naive",
    version=1,
    description="",
    universe=Universe(min_price=5.0, min_dollar_volume=1e6, min_bars=10, security_types=()),
    factors=tuple((factor(f"of_{column}", column), weight) for column, weight in WEIGHTS.items()),
    top=4,
)

quarters = st.none() | st.integers(-40, 40).map(lambda n: n / 4)
keys = st.tuples(
    st.integers(0, 2).map(lambda n: date(2024, 3, 4) + timedelta(n)),
    st.sampled_from(["A", "AA", "AAP", "AAp", "B", "BRK.A", "NA", "TRUE", "1E5", "ZVZZT", "NTEST.A"]),
)
figures = st.fixed_dictionaries(
    {
        **dict.fromkeys(WEIGHTS, quarters),
        "close": st.sampled_from([4.0, 5.0, 50.0]),
        "dollar_volume_20": st.sampled_from([None, 1e5, 1e7, 1e8]),
        "bars": st.sampled_from([5, 300, 400]),
        "sma_50": st.sampled_from([4.0, 52.0]),
        "sma_200": st.sampled_from([3.0, 48.0]),
        "return_20": quarters.map(lambda v: v and abs(v)),
        "return_252": quarters,
        "macd_histogram": quarters,
        "atr_14": st.sampled_from([None, 0.5, 1.0]),
        "high_252": st.sampled_from([None, 50.0, 60.0]),
    }
)
panels = st.dictionaries(keys, figures, max_size=30).map(
    lambda rows: day(*({"session": s, "ticker": t} | row for (s, t), row in rows.items()))
)
clipped_shares = st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.49])


def naive_scores(panel: pl.DataFrame, session: date, winsorize: float) -> dict[str, float]:
    passed = [
        row
        for row in panel.filter(session=session).iter_rows(named=True)
        if row["ticker"] not in ("ZVZZT", "NTEST.A")
        and row["close"] >= 5
        and (row["dollar_volume_20"] or 0) >= 1e6
        and row["bars"] >= 10
    ]
    scores = {row["ticker"]: 0.0 for row in passed}
    for column, weight in WEIGHTS.items():
        values = {row["ticker"]: row[column] for row in passed if row[column] is not None}
        if not values:
            continue
        low, high = percentile(list(values.values()), winsorize), percentile(list(values.values()), 1 - winsorize)
        clipped = {ticker: min(max(value, low), high) for ticker, value in values.items()}
        if len(set(clipped.values())) == 1:
            continue
        mean = math.fsum(clipped.values()) / len(clipped)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in clipped.values()) / len(clipped))
        for ticker, value in clipped.items():
            scores[ticker] += weight * (value - mean) / deviation
    return scores


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


@examples(20)
@given(panels, clipped_shares)
def test_a_naive_implementation_agrees(panel, winsorize):
    ranked = candidates(panel, [replace(MODEL, winsorize=winsorize)])
    for session in panel["session"].unique():
        expected = naive_scores(panel, session, winsorize)
        listed = ranked.filter(session=session).sort("rank")
        scores = dict(listed.select("ticker", "score").iter_rows())
        assert listed["rank"].to_list() == list(range(1, min(4, len(expected)) + 1))
        assert all(abs(score - expected[ticker]) < 1e-8 for ticker, score in scores.items())
        rivals = [score for ticker, score in expected.items() if ticker not in scores]
        assert not rivals or min(scores.values()) > max(rivals) - 1e-8
        order = list(scores.items())
        for (ticker, score), (next_ticker, next_score) in itertools.pairwise(order):
            assert score > next_score or (score == next_score and ticker < next_ticker)
        assert set(listed["passed"]) <= {len(expected)}
        assert set(listed["scanned"]) <= {panel.filter(session=session).height}


@pytest.mark.thorough
@examples(8)
@given(panels)
def test_sessions_together_are_exactly_the_sessions_one_by_one(panel):
    alone = [candidates(one, MODELS) for one in panel.partition_by("session")]
    together = candidates(panel, MODELS)
    assert together.equals(pl.concat([CANDIDATES.empty(), *alone]).sort("session", "model", "rank"))


@pytest.mark.thorough
@examples(8)
@given(panels, st.randoms(use_true_random=False))
def test_the_order_of_rows_is_irrelevant(panel, random):
    order = list(range(panel.height))
    random.shuffle(order)
    assert candidates(panel[order], MODELS).equals(candidates(panel, MODELS))


@pytest.mark.thorough
@examples(8)
@given(panels)
def test_later_rows_change_nothing(panel):
    until = date(2024, 3, 5)
    known_then = candidates(panel.filter(pl.col("session") <= until), MODELS)
    assert candidates(panel, MODELS).filter(pl.col("session") <= until).equals(known_then)


@examples(8)
@given(panels)
def test_every_answer_keeps_the_contract_and_adds_up(panel):
    ranked = CANDIDATES.enforce(candidates(panel, MODELS))
    for row in ranked.iter_rows(named=True):
        parts = [part["contribution"] for part in row["contributions"]]
        assert abs(math.fsum(parts) - row["score"]) <= 1e-12
        assert all(part["contribution"] == part["weight"] * part["zscore"] for part in row["contributions"])
        assert all(math.isfinite(part["zscore"]) for part in row["contributions"])
        assert all(reason and reason[0].isupper() and "null" not in reason for reason in row["reasons"])
