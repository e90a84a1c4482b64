from pathlib import Path

import polars as pl
import pytest

import pipeline
from pipeline.contracts.portfolio import SEVERITIES
from pipeline.errors import ModelError
from pipeline.market.built_in import BUILT_IN
from pipeline.market.declarations import Declarations
from pipeline.market.portfolio.sell.rule import Rule, columns_of_rules
from pipeline.market.portfolio.sell.rules import RULES

DOCS = Path(pipeline.__file__).parents[1] / "docs" / "positions.md"

SOUND = {
    "name": "my_rule",
    "version": 1,
    "severity": "low",
    "description": "A rule.",
    "condition": pl.col("close") < pl.col("sma_200"),
    "value": pl.col("close"),
    "threshold": pl.col("sma_200_before"),
    "reasons": (pl.lit("Because"),),
}


def test_a_sound_declaration_is_taken():
    assert Rule(**SOUND).name == "my_rule"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "My rule"}, "no name for a rule"),
        ({"version": 0}, "version 0"),
        ({"severity": "urgent"}, "severity 'urgent'. Choose one of high, medium, low"),
        ({"reasons": ()}, "no reason"),
        ({"condition": pl.col("sma_7") > 0}, "uses sma_7, which a position does not have"),
        ({"value": pl.col("volume")}, "uses volume"),
        ({"threshold": pl.col("nothing")}, "uses nothing"),
        ({"reasons": (pl.lit("Because"), pl.format("{}", pl.col("none")))}, "uses none"),
    ],
)
def test_a_mistake_in_a_declaration_is_an_error_that_says_what_is_available(changed, words):
    with pytest.raises(ModelError, match=words):
        declared(Rule(**SOUND | changed))


def declared(rule):
    """Return declarations with this rule alone."""
    return Declarations(BUILT_IN.indicators, BUILT_IN.models, (rule,))


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(ModelError, match="Several rules are named stop_hit"):
        Declarations(BUILT_IN.indicators, BUILT_IN.models, (*RULES, Rule(**SOUND | {"name": "stop_hit"})))


def test_columns_are_named_once():
    columns = columns_of_rules([column.name for column in BUILT_IN.columns])
    assert len(set(columns)) == len(columns)


def test_rules_are_named_once_and_every_severity_is_used():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {rule.severity for rule in RULES} == set(SEVERITIES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_documentation_has_every_rule(rule):
    lines = [line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{rule.name}` |")]
    assert [line.split("|")[2].strip() for line in lines] == [rule.severity]
