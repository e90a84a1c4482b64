"""CONTRIBUTING.md: its recipes are carried out in a copy of the tree, and do there what they say.

Here are the page as a whole, and what is declared; `test_contributing_tables.py` has what stores rows.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from assets_tests import test_import_rules
from assets_tests.market.indicators.test_docs import columns_in
from assets_tests.recipes import PAGE, RECIPES, ROOT, RUN, after, answer, copied_tree

NAMED_PATH = re.compile(r"`((?:pipeline|assets_tests|docs|\.ci)/[\w./-]*|\w+\.(?:toml|txt|yaml))`")
"""A file or room that the page names."""

DECLARED = """
import json
from pipeline.market.built_in import BUILT_IN
print(json.dumps([one.name for one in BUILT_IN.{}]))
"""
"""Prints the names of what is declared."""


def test_there_are_seven_recipes_of_ten_lines_at_most_and_every_file_named_is_there():
    kinds = ("an indicator", "a model", "a sell rule", "a column", "a table with its asset", "a source", "a venue")
    assert list(RECIPES) == [f"Add {kind}" for kind in kinds]
    assert {name: len(recipe.words) for name, recipe in RECIPES.items() if len(recipe.words) > 10} == {}
    made = {step.path for recipe in RECIPES.values() for step in recipe.steps if step.how == "As"}
    named = set(NAMED_PATH.findall(PAGE.read_text()))
    assert len(named) > 40
    assert {path for path in named - made if not (ROOT / path).exists()} == set()
    assert {path for path in made if (ROOT / path).exists()} == set()


def test_every_room_is_on_the_map():
    rooms = {folder.name for folder in test_import_rules.PACKAGE.iterdir() if (folder / "__init__.py").exists()}
    assert set(re.findall(r"^\| `pipeline/(\w+)/` \|", PAGE.read_text(), re.MULTILINE)) == rooms


@pytest.mark.thorough
def test_all_recipes_together_keep_the_style_and_the_rules_of_imports(tmp_path, monkeypatch):
    copy = copied_tree(tmp_path)
    for recipe in RECIPES.values():
        for step in recipe.steps:
            step.carry_out(copy)
    ruff = Path(sys.executable).with_name("ruff")
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run([ruff, *command, "--no-cache", "pipeline"], cwd=copy, capture_output=True, text=True)  # noqa: PLW1510, S603 (our own)
        assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.setattr(test_import_rules, "PACKAGE", copy / "pipeline")
    for room, allowed in test_import_rules.ROOMS.items():
        assert test_import_rules.rooms_imported(room) <= allowed


@pytest.mark.thorough
def test_an_indicator_is_a_column_of_the_table_and_of_the_page(tmp_path):
    copy = after(tmp_path, "Add an indicator")
    found = answer(
        copy,
        """
        import json
        from datetime import date, timedelta
        import polars as pl
        from pipeline.market.built_in import BUILT_IN
        from pipeline.market.indicators import INDICATORS, indicators
        from pipeline.market.market import market_of
        from pipeline.venues.us_stocks import US_STOCKS

        days = US_STOCKS.calendar.between(date(2024, 1, 2), date(2024, 1, 31))[:15]
        prices = {"open": 10.0, "high": 12.0, "low": 8.0, "close": 11.0, "volume": 100.0}
        bars = pl.DataFrame({"ticker": "A", "session": days, **prices})
        (added,) = (one for one in INDICATORS if one.columns[0].name == "stochastic_14")
        values = indicators(bars, days, days[0], declared=[added], lookback=14)["stochastic_14"]
        table = market_of(US_STOCKS, BUILT_IN).indicators
        of_indicators = [column.name for one in INDICATORS for column in one.columns]
        print(json.dumps([list(table.columns), of_indicators, values.to_list()]))
        """,
    )
    columns, of_indicators, values = found
    assert "stochastic_14" in columns
    assert values == [None] * 13 + [75.0] * 2
    assert sorted(columns_in((copy / "docs/indicators.md").read_text())) == sorted(of_indicators)


@pytest.mark.thorough
def test_a_model_ranks_and_is_on_the_page(tmp_path):
    copy = after(tmp_path, "Add a model")
    assert answer(copy, DECLARED.format("models")) == ["trend", "pullback", "new_high"]
    page = (copy / "docs/models.md").read_text()
    assert "## `new_high`, version 1\n" in page
    assert "\n| `volatility` | −1.00 |" in page


@pytest.mark.thorough
def test_a_sell_rule_is_applied_and_is_on_the_page(tmp_path):
    copy = after(tmp_path, "Add a sell rule")
    assert answer(copy, DECLARED.format("rules"))[-1] == "year_low"
    assert "\n| `year_low` | medium |" in (copy / "docs/positions.md").read_text()


@pytest.mark.thorough
def test_what_is_for_yourself_alone_is_written_into_your_folder(tmp_path):
    words = {recipe: re.findall(r"`candlelake new (\w+) NAME`", " ".join(RECIPES[recipe].words)) for recipe in RECIPES}
    assert [kind for kinds in words.values() for kind in kinds] == ["indicator", "model", "rule"]
    settings = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    found = answer(
        ROOT,
        f"""{RUN}
for kind in ("indicator", "model", "rule"):
    run("new", kind, f"my_{{kind}}")
from pipeline.mine.in_force import stocks_of
from pipeline.settings import Settings
stocks = stocks_of(Settings(home=sys.argv[1]))
print(json.dumps([list(stocks.indicators.columns)[-1], stocks.models[-1].name, stocks.rules[-1].name]))
        """,
        str(tmp_path / "home"),
        **settings,
    )
    assert found == ["my_indicator", "my_model", "my_rule"]
