"""The first commit of a table killed at random moments: no other table suffers, and the same command makes it good."""

import random
import shutil

from assets_tests.faults.nursery import Work
from assets_tests.faults.two_versions import ADD, OLD, Market, lake_of
from assets_tests.torture.conftest import scaled
from assets_tests.torture.striking import checked, killed, length, require_well
from pipeline.contracts.portfolio import POSITIONS

KILLS = 30


def test_killed_first_commits(whole: Market, seed: int) -> None:
    whole.publish(OLD)
    filled = whole.bare_home("first-commits")
    whole.run(filled)
    chance, kills, left = random.Random(f"{seed} first commits"), 0, 0  # noqa: S311 (a seed, to be replayed)
    takes = length(whole, Work(copy(filled, "measured"), command=ADD))
    for number in range(scaled(KILLS)):
        settings = copy(filled, f"first-commit-{number}")
        # The commit is near the end of the command.
        kills += killed(whole, Work(settings, command=ADD), takes * (0.4 + 0.8 * chance.random()))
        found = checked(settings)
        assert found.damages == [], number
        left += len(found.leftovers)
        # A kill between the making of the table and its first rows leaves an empty one.
        if lake_of(settings).read(POSITIONS).rows.collect().is_empty():
            require_well(whole, settings, ADD)
        assert lake_of(settings).read(POSITIONS).rows.collect()["ticker"].to_list() == ["AAP"]
        require_well(whole, settings, ("status",), ("verify",))
        shutil.rmtree(settings["home"])
    assert kills >= scaled(KILLS) // 10, "some were killed in time"


def copy(settings: dict, name: str) -> dict:
    """Return the settings of a copy of a home."""
    home = settings["home"].with_name(name)
    shutil.copytree(settings["home"], home)
    return settings | {"home": home}
