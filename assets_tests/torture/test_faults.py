"""As the tests of `faults`, far more often and with the whole daily job, in a folder and on S3."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest

from assets_tests.faults.contention import at_once, readers
from assets_tests.faults.killing import Kills
from assets_tests.faults.nursery import Work
from assets_tests.faults.test_first_opening import require_made_good
from assets_tests.faults.test_server_killed import require_survived
from assets_tests.faults.two_versions import DAYS, NEW, OLD, Market, assert_agree, stored_tables
from assets_tests.faults.zombies import Zombies
from assets_tests.s3_outage import own_server
from assets_tests.torture.conftest import scaled

KILLS = {"folder": 150, "s3": 80}
"""Kills of rewriting runs, and a fifth as many of first runs; a run on S3 takes three times the processor time."""

ZOMBIES = 20
"""For each kind of lake."""

CONTENTION = 30
"""Seconds for each kind of lake; five minutes with TORTURE_SCALE=10."""

BEGUN = ("daily_bars", "quarantine", "deliveries", "indicators", "candidates")
"""Tables into which a run has begun to put something when its server is killed."""


def test_killed_runs(
    whole: Market, seed: int, new_lake: Callable[[], dict[str, str]], request: pytest.FixtureRequest
) -> None:
    kills, count = Kills(replace(whole, new_lake=new_lake), seed), KILLS[request.node.callspec.params["new_lake"]]
    kills.first_runs(count // 5)
    kills.rewriting_runs(count)
    kills.require_nothing_left_over()
    # Two of the commits are a few milliseconds apart, and chance may spare the moment between them.
    assert kills.reached.keys() >= {0, 5}, "to no table yet, and to all five"
    assert len(kills.reached) >= 4, "and to some of them"


def test_zombies(whole: Market, seed: int, new_lake: Callable[[], dict[str, str]]) -> None:
    zombies = Zombies(replace(whole, new_lake=new_lake), seed)
    zombies.wake(ZOMBIES)
    assert any("RunReplaced" in end for end in zombies.ends)


def test_contention(whole: Market, new_lake: Callable[[], dict[str, str]]) -> None:
    market = replace(whole, new_lake=new_lake)
    settings = market.home("contention" + str(id(new_lake)))
    market.publish(OLD)
    market.run(settings)
    begun = time.monotonic()
    for version in cycle((NEW, OLD)):
        market.publish(version)
        with readers(settings):
            at_once(market, [Work(settings, DAYS), Work(settings, DAYS), Work(settings, job="maintenance")])
        assert_agree(stored_tables(settings), version)
        if time.monotonic() - begun > scaled(CONTENTION):
            return


def test_first_openings(tmp_path: Path) -> None:
    require_made_good(tmp_path, stride=3)


def test_killed_servers(whole: Market) -> None:
    with own_server() as server:
        require_survived(whole, server, [f"stocks/{table}/" for table in BEGUN])
