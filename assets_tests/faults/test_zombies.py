"""A run that was given up but still lives: it cannot overwrite a row of the run that took its place."""

import pytest

from assets_tests.examples import first_quick
from assets_tests.faults.two_versions import Market
from assets_tests.faults.zombies import Zombies


@pytest.mark.thorough
@pytest.mark.parametrize("woken", first_quick([2, 6]))
def test_zombies_woken_at_random_moments_commit_nothing_over_their_successors(small: Market, woken: int) -> None:
    zombies = Zombies(small, seed=20240201)
    zombies.wake(woken)
    refused = [end for end in zombies.ends if "RunReplaced" in end or "WriteConflict" in end]
    assert refused, zombies.ends
