"""Ratios, goals and memory, against figures that are known beforehand."""

import subprocess
import sys
import time

import pytest

from benchmarks import measuring
from benchmarks.measuring import (
    SAMPLED_EVERY,
    Comparison,
    Goal,
    TreeMemory,
    in_its_own_process,
    taking_turns,
    whole_process,
)
from benchmarks.reporting import as_json, goals, markdown, table

MIB = 2**20

HOLDS_200_MIB = "held = bytearray(b'x') * (200 * 2**20); print('held', flush=True); input()"
"""Takes memory in a child of a child, so that only a look at the whole tree finds it."""

IN_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDS_200_MIB!r}])"

ROUNDS = {
    "floor": [{"seconds": 2.0, "cpu": 1.0}, {"seconds": 4.0, "cpu": 1.0}, {"seconds": 1.0, "cpu": 1.0}],
    "ours": [{"seconds": 3.0, "cpu": 2.0}, {"seconds": 4.0, "cpu": 2.0}, {"seconds": 5.0, "cpu": 2.0}],
}


def comparison(*goals: Goal) -> Comparison:
    return Comparison("Work", "floor", ROUNDS, goals)


def test_a_ratio_is_between_two_runs_of_the_same_round():
    assert comparison().ratios("ours") == [1.5, 1.0, 5.0]


def test_a_goal_can_be_a_ratio_a_difference_or_a_figure():
    assert Goal("ours", 1.6, against="floor").of_rounds(ROUNDS) == [1.5, 1.0, 5.0]
    assert Goal("ours", 1.6, beyond="floor").of_rounds(ROUNDS) == [1.0, 0.0, 4.0]
    assert Goal("ours", 1.6).of_rounds(ROUNDS) == [3.0, 4.0, 5.0]
    assert Goal("ours", 1.6, against="floor", figure="cpu").of_rounds(ROUNDS) == [2.0, 2.0, 2.0]


def test_the_median_decides_whether_a_goal_is_met():
    met, missed = goals(comparison(Goal("ours", 1.5, against="floor"), Goal("ours", 3.9)))

    assert met == "  goal seconds of ours ≤ 1.5 × floor: 1.50 (1.00 to 5.00), met"
    assert missed == "  goal seconds of ours ≤ 3.9: 4.00 (3.00 to 5.00), missed"


def test_the_table_shows_medians_and_spreads():
    row = next(line for line in table(comparison()).splitlines() if line.startswith("ours"))

    assert row.split() == ["ours", "4.000", "1.50", "1.00", "5.00", "2.00", "2.00"]


def test_ways_take_turns():
    turns = []
    ways = {name: lambda name=name: turns.append(name) or {"seconds": len(turns)} for name in "ab"}

    assert taking_turns(ways, 2) == {"a": [{"seconds": 1}, {"seconds": 3}], "b": [{"seconds": 2}, {"seconds": 4}]}


def test_the_memory_of_a_tree_holds_that_of_children_of_children():
    command = [sys.executable, "-c", IN_A_CHILD]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
    with TreeMemory(process.pid) as memory:
        assert process.stdout.readline() == b"held\n"
        looks = memory.looks
        while memory.looks < looks + 2:
            time.sleep(SAMPLED_EVERY)
        process.communicate(b"\n")

    assert 200 * MIB <= memory.peak < 400 * MIB


def test_work_in_its_own_process_returns_its_figures_and_its_peak():
    figures = in_its_own_process(measuring.spread, values=[1.0, 2.0, 6.0])

    assert {name: figures[name] for name in ("median", "least", "most")} == {"median": 2.0, "least": 1.0, "most": 6.0}
    assert figures["peak_gib"] > 0


def test_work_that_fails_in_its_own_process_is_an_error_here(capfd):
    with pytest.raises(subprocess.CalledProcessError):
        in_its_own_process(measuring.spread, values=[])

    assert "no median for empty data" in capfd.readouterr().err


def test_a_command_that_fails_is_an_error_and_says_why(capsys):
    with pytest.raises(subprocess.CalledProcessError):
        whole_process([sys.executable, "-c", "raise SystemExit('out of luck')"])

    assert "out of luck" in capsys.readouterr().err


def test_results_are_printed_as_a_table_of_goals(tmp_path):
    measured = comparison(Goal("ours", 1.6, against="floor"), Goal("ours", 5.0))
    measured.facts["sessions"] = 1260
    (tmp_path / "work.json").write_text(as_json("work", [measured]))

    assert markdown([tmp_path / "work.json"]).splitlines()[2:] == [
        "| Work | 1,260 sessions | seconds of ours ≤ 1.6 × floor | 1.50 (1.00 to 5.00) | met |",
        "| Work | 1,260 sessions | seconds of ours ≤ 5 | 4.00 (3.00 to 5.00) | met |",
    ]
