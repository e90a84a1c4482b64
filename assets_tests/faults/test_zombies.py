"""A run that was given up but still lives: it cannot overwrite a row of the run that took its place."""

from assets_tests.faults.two_versions import Market
from assets_tests.faults.zombies import Zombies


def test_zombies_woken_at_random_moments_commit_nothing_over_their_successors(small: Market) -> None:
    zombies = Zombies(small, seed=20240201)
    zombies.wake(3)
    refused = [said for said in zombies.ended if "RunReplaced" in said or "WriteConflict" in said]
    assert refused, zombies.ended
