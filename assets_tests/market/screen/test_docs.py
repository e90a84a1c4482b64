import re
from pathlib import Path

import pytest

from assets_tests.market.screen.panels import day
from assets_tests.pasting import examples
from pipeline.market.screen.models import MODELS, STRONG_CLOSE
from pipeline.market.screen.rank import candidates

PAGE = (Path(__file__).parents[3] / "docs" / "models.md").read_text()


def test_the_example_with_a_factor_of_its_own_runs_and_ranks():
    (example,) = (one.code for one in examples() if one.name == "breakout")
    declared: dict[str, object] = {}
    exec(example, declared)  # noqa: S102 (our own page)
    rows = [{"ticker": t, "bollinger_upper": 49.0, "relative_volume": v} for t, v in (("A", 1.0), ("B", 3.5))]
    ranked = candidates(day(*rows), [declared["BREAKOUT"]])
    assert ranked["ticker"].to_list() == ["B", "A"]
    assert ranked["reasons"][0].to_list() == ["Volume 3.5 times its average, busier than the other stock"]


@pytest.mark.parametrize("model", [*MODELS, STRONG_CLOSE], ids=lambda model: model.name)
def test_the_page_states_every_weight_of_the_shipped_models(model):
    heading = f"## `{model.name}`, version {model.version}\n"
    assert heading in PAGE
    section = PAGE.split(heading)[1].split("\n## ")[0]
    stated = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", section, flags=re.MULTILINE))
    assert {name: float(weight.replace("−", "-")) for name, weight in stated.items()} == {
        factor.name: weight for factor, weight in model.factors
    }
