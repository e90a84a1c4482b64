"""Every benchmark runs, on a market so small that its figures mean nothing, and prints what it measured."""

import json

import pytest

from benchmarks.__main__ import BENCHMARKS, measure
from benchmarks.options import Options

pytestmark = pytest.mark.thorough

ROUNDS = 2
"""The second finds what the first left behind, or took away."""

LONG = {"backfill", "command", "first_use", "length", "naive", "new_session", "redo"}
"""They start the pipeline often, or compile; what they are made of is tried by the others."""

NAMES = [
    pytest.param(name, marks=pytest.mark.torture if name in LONG else [])
    for name, benchmark in BENCHMARKS.items()
    if not benchmark.installs
]


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    return Options(sessions=10, tickers=50, rounds=ROUNDS, data=tmp_path_factory.mktemp("benchmarks"))


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_reports_every_way_and_goal(name, options, capsys):
    measure(name, options)

    output = capsys.readouterr().out
    written = json.loads((options.data / f"{name}.json").read_text())
    assert written["comparisons"]
    for comparison in written["comparisons"]:
        assert comparison["title"] in output
        assert set(comparison["ratios"][comparison["base"]].values()) == {1.0}
        for way, taken in comparison["rounds"].items():
            assert f"\n{way} " in output
            assert taken
            assert all(one[comparison["figure"]] > 0 for one in taken)
        for goal in comparison["goals"]:
            assert f"goal {goal['goal']}" in output
    assert {path.name for path in options.data.iterdir() if path.is_dir()} == {
        path.name for path in options.data.glob("market-*")
    }, "something temporary was left behind"
