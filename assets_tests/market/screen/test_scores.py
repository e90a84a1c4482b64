from dataclasses import replace

import pytest
from hypothesis import given
from polars.testing import assert_frame_equal

from assets_tests.examples import examples
from assets_tests.market.screen.panels import day
from assets_tests.market.screen.test_rank_properties import MODEL, panels
from pipeline.errors import ModelError
from pipeline.market.screen.models import MODELS
from pipeline.market.screen.rank import candidates, scores

KEY = ["model", "model_version", "session", "ticker", "score"]


@examples(20)
@given(panels)
def test_everybody_who_passes_has_the_score_of_a_list_without_an_end(panel):
    models = [replace(model, top=10_000) for model in (*MODELS, MODEL)]
    listed = candidates(panel, models).select(KEY)
    assert_frame_equal(scores(panel, (*MODELS, MODEL)), listed, check_row_order=False, check_exact=True)


def test_scores_come_by_session_model_and_ticker_and_may_be_none():
    found = scores(day({"ticker": "B"}, {"ticker": "A"}))
    assert found.rows() == [("trend", 1, found["session"][0], "A", 0.0), ("trend", 1, found["session"][0], "B", 0.0)]
    assert scores(day()).is_empty()
    assert scores(day()).columns == KEY


def test_two_models_of_one_name_are_refused():
    with pytest.raises(ModelError, match="More than one model"):
        scores(day({"ticker": "A"}), [MODEL, MODEL])
