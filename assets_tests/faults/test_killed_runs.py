"""Runs killed by SIGKILL at random moments: nothing is ever half there, and the next run needs no repair."""

from collections.abc import Callable
from dataclasses import replace

from assets_tests.faults.killing import Kills
from assets_tests.faults.two_versions import Market


def test_runs_killed_at_random_leave_every_table_as_before_or_after_and_the_next_run_agrees(
    small: Market, new_lake: Callable[[], dict[str, str]]
) -> None:
    kills = Kills(replace(small, new_lake=new_lake), seed=20240131)
    kills.first_runs(5)
    kills.rewriting_runs(22)
    assert kills.reached.total() >= 27
    assert len(kills.reached) > 2, "they were killed at different moments"
    kills.require_nothing_left_over()
