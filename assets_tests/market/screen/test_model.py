import polars as pl
import pytest

from assets_tests.market.screen.panels import EVERYBODY, day, factor
from pipeline.errors import ModelError
from pipeline.market.built_in import BUILT_IN
from pipeline.market.declarations import Declarations
from pipeline.market.screen.model import Factor, Model, Universe
from pipeline.market.screen.models import MODELS
from pipeline.market.screen.rank import candidates

RSI = factor("rsi", "rsi_14")


def model(**changes: object) -> Model:
    declared = {"name": "mine", "version": 1, "description": "", "universe": EVERYBODY, "factors": ((RSI, 1.0),)}
    return Model(**(declared | changes))


@pytest.mark.parametrize("name", ["", "Trend", "two words", "2fast", "a__b", "_a", "trend\n"])
def test_a_model_whose_name_is_not_snake_case_is_refused(name):
    with pytest.raises(ModelError, match="snake_case"):
        model(name=name)


def test_a_factor_whose_name_is_not_snake_case_is_refused():
    with pytest.raises(ModelError, match="snake_case"):
        factor("RSI 14", "rsi_14")


@pytest.mark.parametrize("weight", [0, 0.0, -0.0, float("nan"), float("inf")])
def test_a_weight_that_is_zero_or_not_finite_is_refused(weight):
    with pytest.raises(ModelError, match="weight"):
        model(factors=((RSI, weight),))


@pytest.mark.parametrize(
    "changes",
    [{"version": 0}, {"top": 0}, {"winsorize": 0.5}, {"winsorize": -0.1}, {"winsorize": float("nan")}, {"factors": ()}],
)
def test_a_declaration_that_makes_no_sense_is_refused(changes):
    with pytest.raises(ModelError):
        model(**changes)


def test_two_factors_of_one_name_are_refused():
    with pytest.raises(ModelError, match="more than one factor named rsi"):
        model(factors=((RSI, 1.0), (factor("rsi", "return_5"), 1.0)))


def declared(one):
    """Return declarations with this model alone."""
    return Declarations(BUILT_IN.indicators, (one,), BUILT_IN.rules)


def test_two_models_of_one_name_are_refused():
    with pytest.raises(ModelError, match="Several models are named"):
        Declarations(BUILT_IN.indicators, (model(), model()), BUILT_IN.rules)


def test_an_unknown_column_in_a_factor_is_refused_with_the_columns_there_are():
    with pytest.raises(ModelError, match=r"Factor rsi uses rsi_41, .*Available are: .*rsi_14"):
        declared(model(factors=((factor("rsi", "rsi_41"), 1.0),)))


def test_an_unknown_column_in_a_condition_is_refused_with_the_columns_there_are():
    with pytest.raises(ModelError, match=r"condition .* uses sma_100, .*sma_200"):
        declared(model(universe=Universe(conditions=(pl.col("close") > pl.col("sma_100"),))))


def test_an_unknown_column_in_a_sentence_is_refused():
    spoken = Factor(name="rsi", value=pl.col("rsi_14"), high=pl.lit("high"), low=pl.format("{}", pl.col("worth")))
    with pytest.raises(ModelError, match="sentence of factor rsi uses worth"):
        declared(model(factors=((spoken, 1.0),)))


def test_a_value_may_not_use_the_words_of_sentences():
    odd = Factor(name="rsi", value=pl.col("value"), high=pl.lit("high"), low=pl.lit("low"))
    with pytest.raises(ModelError, match="Factor rsi uses value"):
        declared(model(factors=((odd, 1.0),)))


def test_the_columns_a_model_needs_are_those_of_its_filters_factors_and_sentences():
    universe = Universe(conditions=(pl.col("sma_50") > pl.col("sma_200"),))
    spoken = Factor(name="rsi", value=pl.col("rsi_14"), high=pl.format("{}", pl.col("support")), low=pl.lit("low"))
    assert model(universe=universe, factors=((spoken, 1.0),)).columns == (
        *("bars", "close", "dollar_volume_20", "rsi_14", "session", "sma_200", "sma_50", "support", "ticker"),
    )


@pytest.mark.parametrize("shipped", MODELS, ids=lambda shipped: shipped.name)
def test_the_weights_of_a_shipped_model_add_up_to_one_without_their_signs(shipped):
    assert sum(abs(weight) for _, weight in shipped.factors) == pytest.approx(1, abs=1e-12)


def test_a_factor_that_is_no_number_is_an_error_that_names_the_model():
    with pytest.raises(ModelError, match=r"Model \w+ cannot be computed: .*Let each factor be a number"):
        candidates(day({"ticker": "A"}), [model(factors=((factor("text", "ticker"), 1.0),))])
