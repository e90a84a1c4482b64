"""Runs killed by SIGKILL at random moments: nothing is ever half there, and the next run needs no repair."""

from assets_tests.faults.killing import Kills
from assets_tests.faults.two_versions import Market


def test_runs_killed_at_random_leave_every_table_as_before_or_after_and_the_next_run_agrees(small: Market) -> None:
    kills = Kills(small, seed=20240131)
    kills.first_runs(10)
    kills.rewriting_runs(small.home("home"), 40)
    assert kills.reached.total() >= 50
    assert len(kills.reached) > 2, "they were killed at different moments"
