from dataclasses import replace

import pytest
from hypothesis import given
from polars.testing import assert_frame_equal

from assets_tests.examples import examples
from assets_tests.market.screen.panels import MONDAY, day
from assets_tests.market.screen.test_rank_properties import MODEL, panels
from pipeline.errors import ModelError
from pipeline.market.screen.models import PULLBACK, TREND
from pipeline.market.screen.rank import candidates, scores

MODELS = (TREND, PULLBACK, MODEL)
KEY = ["model", "model_version", "session", "ticker", "score"]


@examples(20)
@given(panels)
def test_everybody_who_passes_has_the_score_of_a_list_without_an_end(panel):
    models = [replace(model, top=10_000) for model in MODELS]
    listed = candidates(panel, models).select(KEY)
    assert_frame_equal(scores(panel, MODELS), listed, check_row_order=False, check_exact=True)


def test_scores_come_by_session_model_and_ticker_and_may_be_none():
    last_by_name = replace(MODEL, name="zebra", version=2)
    found = scores(day({"ticker": "B"}, {"ticker": "A"}), [last_by_name, MODEL])
    assert found.rows() == [
        ("naive", 1, MONDAY, "A", 0.0),
        ("naive", 1, MONDAY, "B", 0.0),
        ("zebra", 2, MONDAY, "A", 0.0),
        ("zebra", 2, MONDAY, "B", 0.0),
    ]
    assert scores(day(), [MODEL]).is_empty()
    assert scores(day(), [MODEL]).columns == KEY


def test_two_models_of_one_name_are_refused():
    with pytest.raises(ModelError, match="More than one model"):
        scores(day({"ticker": "A"}), [MODEL, MODEL])
