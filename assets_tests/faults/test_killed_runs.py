"""Runs killed by SIGKILL at random moments: nothing is ever half there, and the next run needs no repair."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from assets_tests.faults.killing import Kills
from assets_tests.faults.two_versions import Market

THOROUGH = {"folder": (4, 38), "s3": (2, 6)}
"""Kills of first runs and of runs that rewrite, for each kind of lake; a run on S3 takes thrice the time."""

KILLS = [
    pytest.param("folder", 1, 3),
    *(pytest.param(lake, *kills, marks=pytest.mark.thorough) for lake, kills in THOROUGH.items()),
]


@pytest.mark.parametrize(("new_lake", "first", "rewriting"), KILLS, indirect=["new_lake"])
def test_runs_killed_at_random_leave_every_table_as_before_or_after_and_the_next_run_agrees(
    small: Market, new_lake: Callable[[], dict[str, str]], first: int, rewriting: int
) -> None:
    kills = Kills(replace(small, new_lake=new_lake), seed=20240131)
    kills.first_runs(first)
    kills.rewriting_runs(rewriting)
    assert kills.reached.total() == first + rewriting
    assert len(kills.reached) > 2, "they were killed at different moments"
    kills.require_nothing_left_over()


def test_they_are_fifty_and_more() -> None:
    assert sum(map(sum, THOROUGH.values())) >= 50
