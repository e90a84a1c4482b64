"""One more model, indicator and rule in the product: no test fails but that of its own page, and that of the snapshot.

The tests run over a copy of the project to which some of each kind are added, the first of their kind and the last.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COPIED = ("pipeline", "assets_tests", "benchmarks", "docs", "dagster.yaml", "workspace.yaml", "README.md", "Makefile")

INDICATORS = """
import polars as pl

from pipeline.contracts.indicators import IndicatorColumn
from pipeline.market.indicators.declaration import expressed

UP_DAYS = IndicatorColumn("up_days_20", "Bars that rose, of 20, %.", pl.Int8, at_least=0, at_most=100, unit="free")
BUSIEST = IndicatorColumn("busiest_170", "Most shares traded in one of 170 bars.", at_least=0, unit="shares")
INDICATORS = (
    expressed({UP_DAYS: (pl.col("close") > pl.col("open")).cast(pl.Int8).rolling_sum(20) * 5}, lookback=20),
    *INDICATORS,
    simple_return(17),
    expressed({BUSIEST: pl.col("volume").rolling_max(170)}, lookback=170),
)
"""

MODELS = """
ANYBODY = Model(
    name="added_for_all",
    version=1,
    description="Every stock, the calmest first.",
    universe=Universe(min_price=0, min_dollar_volume=0, min_bars=1, security_types=()),
    factors=((VOLATILITY, -0.5), (LAST_WEEK, 0.5)),
    top=500,
)
RISER = Model(
    name="added_for_some",
    version=2,
    description="Stocks that rose for three months, and over the last 17 bars.",
    universe=Universe(conditions=(pl.col("return_17") > 0,)),
    factors=((THREE_MONTHS, 1.0),),
)
NOBODY = Model(
    name="added_for_none",
    version=4,
    description="Stocks that cost more than any does.",
    universe=Universe(min_price=1e12),
    factors=((RSI, 1.0),),
)
MODELS = (ANYBODY, *MODELS, RISER, NOBODY)
"""

RULES = """
ALWAYS = Rule(
    name="added_always",
    version=1,
    severity="high",
    description="Held at all.",
    condition=pl.col("sessions_held") >= 0,
    value=pl.col("sessions_held").cast(pl.Float64),
    threshold=pl.lit(0.0),
    reasons=(pl.format("Held {} sessions", whole(pl.col("sessions_held"))),),
)
LONG_HELD = Rule(
    name="added_late",
    version=1,
    severity="low",
    description="Held for a year or longer.",
    condition=pl.col("sessions_held") >= 252,
    value=pl.col("sessions_held").cast(pl.Float64),
    threshold=pl.lit(252.0),
    reasons=(pl.lit("Held for a year"),),
)
RULES = (ALWAYS, *RULES, LONG_HELD)
"""

ADDED = {"indicators/catalogue.py": INDICATORS, "screen/models.py": MODELS, "portfolio/sell/rules.py": RULES}

ABOUT_WHAT_IS_SHIPPED = {
    "test_definitions.py::test_the_definitions_are_those_of_the_snapshot",
    "market/test_computed.py::test_the_fingerprints_are_those_of_the_snapshot",
    "market/indicators/test_docs.py::test_the_page_lists_every_column_once",
    "market/screen/test_docs.py::test_the_page_states_every_weight_of_the_shipped_models",
    "market/portfolio/sell/test_rule.py::test_the_documentation_has_every_rule",
}
"""The tests that ask for a page and a snapshot of what was added."""


SHOWING = ("test_candidates.py", "test_past.py", "test_evaluate.py", "test_queries.py", "test_runs.py", "positions")
"""The tests of commands that show models, indicators or rules."""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with more models, indicators and rules."""
    copy = tmp_path_factory.mktemp("grown")
    # What pytest compiled names the file that it was compiled from.
    left_out = shutil.ignore_patterns("*-pytest-*.pyc", ".hypothesis")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=left_out)
        else:
            shutil.copy(ROOT / name, copy)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for name, text in ADDED.items():
        module = copy / "pipeline/market" / name
        module.write_text(module.read_text() + text)
    return copy


def failed(grown: Path, tests: Sequence[str], which: str) -> tuple[set[str], str]:
    """Return the tests that fail there, among those that `which` picks, and pytest's output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(  # noqa: S603 (our own tests)
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rfE", "--tb=short", "-m", which),
            f"--ignore-glob={grown}/*/test_browser_*",
            *(f"assets_tests/{name}" for name in tests),
        ],
        cwd=grown,
        env=kept | {"PYTHONPATH": str(grown)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert " passed" in done.stdout, done.stdout + done.stderr
    return set(re.findall(r"^(?:FAILED|ERROR) assets_tests/([^\s[]+)", done.stdout, re.MULTILINE)), done.stdout


def assert_only_pages_and_snapshot_miss_it(grown: Path, tests: Sequence[str], which: str) -> None:
    missing, words = failed(grown, tests, which)
    assert missing == {name for name in ABOUT_WHAT_IS_SHIPPED if name.startswith(tuple(tests))}, words


@pytest.mark.thorough
def test_lists_pages_and_signals_are_tested_by_what_the_tests_declare(grown):
    tests = ["reports", "market/screen", "market/portfolio/sell", "market/indicators/test_docs.py"]
    assert_only_pages_and_snapshot_miss_it(grown, tests, "not hypothesis and not thorough and not torture")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "tests",
    [
        ["market", "alerts"],
        ["assets"],
        [f"cli/{name}" for name in SHOWING],
        ["contracts", "benchmarks", "queries", "orchestration", "test_definitions.py"],
    ],
    ids=["market and alerts", "assets", "commands", "the others"],
)
def test_nothing_else_in_the_project_minds(grown, tests):
    assert_only_pages_and_snapshot_miss_it(grown, tests, "not hypothesis and not thorough and not torture")
