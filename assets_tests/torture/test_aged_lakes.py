"""Lakes that are half a year old, killed in their first maintenance and harmed at random: nothing is lost."""

import random
import shutil
from pathlib import Path
from typing import Any

from polars.testing import assert_frame_equal

from assets_tests.faults.nursery import Work
from assets_tests.faults.two_versions import DAYS, NEW, OLD, Market, assert_agree, lake_of, stored_tables
from assets_tests.lake.aging import aged, forget_properties, log_of, removed_by_delta
from assets_tests.torture.conftest import scaled
from assets_tests.torture.striking import checked, killed, length, require_well, result_of, rows
from assets_tests.torture.test_first_commits import copy
from pipeline.lake.lake import Lake

KILLS, HARMS, JUMPS = 30, 6, 6

MAINTENANCE = "maintenance"


def test_killed_maintenance(whole: Market, seed: int) -> None:
    old = grown_old(whole, "aged")
    expected, logs = rows(old), {name: log_of(lake_of(old), name) for name in lake_of(old).tables()}
    chance, kills = random.Random(f"{seed} maintenance"), 0  # noqa: S311 (a seed, to be replayed)
    takes = length(whole, Work(copy(old, "aged-measured"), job=MAINTENANCE))
    for number in range(scaled(KILLS)):
        settings = copy(old, f"aged-{number}")
        kills += killed(whole, Work(settings, job=MAINTENANCE), takes * chance.random())
        found = checked(settings)
        assert found.damages == [], number
        if number % 5 == 0:
            whole.nursery.run(Work(settings, job=MAINTENANCE))
            assert checked(settings).damages == [], number
        for name, kept in rows(settings).items():
            assert_frame_equal(kept, expected[name])
        for name, log in logs.items():
            assert log_of(lake_of(settings), name)[: len(log)] == log, "not one log entry went"
        shutil.rmtree(settings["home"])
    assert kills >= scaled(KILLS) // 4


def test_harmed_lakes_whose_logs_another_program_cleaned(whole: Market, seed: int) -> None:
    old = grown_old(whole, "cleaned")
    for name in lake_of(old).tables():
        removed_by_delta(Path(lake_of(old).root, name))
    expected, chance = stored_tables(old), random.Random(f"{seed} harms")  # noqa: S311 (a seed, to be replayed)
    assert checked(old).damages == []
    for number in range(scaled(HARMS)):
        settings = copy(old, f"harmed-{number}")
        lake = lake_of(settings)
        paths = sorted(path for path in Path(lake.root, "stocks").rglob("*") if path.is_file())
        harmed = chance.choice([path for path in paths if "_delta_log" not in path.parts or path.suffix == ".json"])
        harmed.write_bytes(harmed.read_bytes()[: harmed.stat().st_size // 2])
        if number % 2:  # a repair that is killed is ended by the next
            killed(whole, Work(settings, command=("verify", "--repair")), 4 * chance.random())
        code, output = result_of(whole, settings, "verify", "--repair")
        assert code == 0, f"{harmed}: {output}"
        assert Lake(lake.root).tables() == lake.tables(), harmed
        require_well(whole, settings, ("verify",))
        for name, kept in stored_tables(settings).items():
            assert_frame_equal(kept, expected[name])
        shutil.rmtree(settings["home"])


def test_a_clock_that_jumps_both_ways(whole: Market, seed: int) -> None:
    chance = random.Random(f"{seed} clock")  # noqa: S311 (a seed, to be replayed)
    settings = grown_old(whole, "clock")
    for number in range(scaled(JUMPS)):
        version = NEW if number % 2 else OLD
        whole.publish(version)
        whole.run(settings)
        lake = lake_of(settings)
        for name in lake.tables():
            if name.startswith("stocks/"):
                newest = lake.open_named(name).version()
                aged(Path(lake.root, name), days=chance.uniform(-900, 900), versions=[newest])
        if number % 3 == 2:
            whole.nursery.run(Work(settings, job=MAINTENANCE))
        assert_agree(stored_tables(settings), version)
        assert checked(settings).damages == [], number
        require_well(
            whole, settings, ("restate", "--dry-run"), ("explain", "AAP", str(DAYS[0])), ("verify",), ("status",)
        )


def grown_old(market: Market, name: str) -> dict[str, Any]:
    """Return a home filled by two runs, half a year ago, from before tables made Delta keep their log."""
    settings = market.bare_home(name)
    for version in (OLD, NEW):
        market.publish(version)
        market.run(settings)
    lake = lake_of(settings)
    for table in lake.tables():
        folder = Path(lake.root, table)
        forget_properties(folder)
        aged(folder, days=200)
    return settings
