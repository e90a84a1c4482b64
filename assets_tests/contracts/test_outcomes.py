from datetime import date

import polars as pl
import pytest

from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES, HORIZONS, MODEL_SCORES, SESSION_SCORES
from pipeline.errors import ContractBroken

OUTCOME = {
    "model": "trend",
    "model_version": 1,
    "session": date(2024, 1, 2),
    "ticker": "NA",
    "rank": 1,
    "score": 0.5,
    "entry_session": date(2024, 1, 3),
    "entry_open": 10.0,
    "last_session": date(2024, 3, 28),
    "fate": "complete",
    "worst_60": -0.1,
    "best_60": 0.2,
    **{f"return_{h}": 0.1 for h in HORIZONS},
    **{f"universe_{h}": 0.04 for h in HORIZONS},
    **{f"excess_{h}": 0.06 for h in HORIZONS},
}
SESSION = {
    "model": "trend",
    "model_version": 1,
    "session": date(2024, 1, 2),
    "horizon": 5,
    "listed": 20,
    "covered": 19,
    "hits": 10,
    "mean_excess": 0.01,
    "ranked": 3000,
    "ic": 0.02,
    "turnover": 0.1,
    "coverage": 0.95,
}
MODEL = {
    "model": "trend",
    "model_version": 1,
    "month": "2024-01",
    "horizon": 20,
    "sessions": 21,
    "candidates": 420,
    "hit_rate": 0.5,
    "mean_excess": 0.01,
    "mean_excess_se": None,
    "mean_ic": 0.02,
    "ic_t": None,
    "turnover": 0.1,
    "coverage": 1.0,
}


def rows(table, ordinary, **changed):
    return pl.DataFrame([ordinary | changed], schema=table.columns)


@pytest.mark.parametrize(
    ("table", "row"), [(CANDIDATE_OUTCOMES, OUTCOME), (SESSION_SCORES, SESSION), (MODEL_SCORES, MODEL)]
)
def test_an_ordinary_row_keeps_the_contract(table, row):
    assert table.enforce(rows(table, row)).to_dicts() == [row]


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({"fate": "lost"}, "fate"),
        ({"excess_5": 0.07}, "excess_is_return_less_universe"),
        ({"entry_open": None}, "no_return_without_an_entry"),
        ({"return_60": None, "excess_60": None}, "complete_has_every_return"),
        ({"return_1": float("inf"), "universe_1": None, "excess_1": None}, "return_1"),
        ({"return_1": float("nan"), "universe_1": None, "excess_1": None}, "return_1"),
        ({"worst_60": 0.01}, "worst_60"),
        ({"worst_60": -1.01}, "worst_60"),
        ({"best_60": -0.01}, "best_60"),
        ({"entry_open": 0.0}, "entry_open"),
    ],
)
def test_an_outcome_that_cannot_be_is_refused(changed, broken):
    with pytest.raises(ContractBroken, match=broken):
        CANDIDATE_OUTCOMES.enforce(rows(CANDIDATE_OUTCOMES, OUTCOME, **changed))


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({"horizon": 10}, "horizon"),
        ({"hits": 20}, "hits_at_most_covered_at_most_listed"),
        ({"covered": 21}, "hits_at_most_covered_at_most_listed"),
        ({"ic": 1.1}, "ic"),
        ({"turnover": 1.1}, "turnover"),
    ],
)
def test_a_list_s_score_that_cannot_be_is_refused(changed, broken):
    with pytest.raises(ContractBroken, match=broken):
        SESSION_SCORES.enforce(rows(SESSION_SCORES, SESSION, **changed))


@pytest.mark.parametrize("changed", [{"month": "2024-1"}, {"mean_excess_se": -0.1}, {"hit_rate": 1.1}])
def test_a_model_s_score_that_cannot_be_is_refused(changed):
    with pytest.raises(ContractBroken, match=next(iter(changed))):
        MODEL_SCORES.enforce(rows(MODEL_SCORES, MODEL, **changed))
