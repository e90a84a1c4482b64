"""A disk that is full at every write of every command: with room again the command ends well, and nothing is lost."""

import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from assets_tests.faults.full_disk import preloaded, require_library
from assets_tests.faults.nursery import nursery
from assets_tests.faults.sweeping import Sweep
from assets_tests.faults.test_machine import BACKFILL, leave, small_disk
from assets_tests.faults.two_versions import ADD, DAYS, NEW, OLD, Market
from assets_tests.torture.conftest import scaled
from assets_tests.torture.striking import checked, require_well, result_of
from assets_tests.torture.swept import SCENES, alerting_run, copied, demonstrated, filled, second_demo

COMMANDS = (ADD, BACKFILL, ("run", "--date", str(DAYS[0])), ("restate",), ("reference",))

STEPS = 5
"""Amounts of room, each twice the last, for each command."""

OF_DATABASES = 8
"""Writes that are tried of the thousands that a run makes to the record of runs, and a few hundred to the catalog."""


@pytest.fixture(scope="module")
def home(whole: Market) -> dict[str, Any]:
    require_library()
    return filled(whole)


@pytest.mark.parametrize("scene", SCENES)
def test_every_write(whole: Market, home: dict[str, Any], tmp_path: Path, seed: int, scene: str) -> None:
    whole.publish(OLD)
    work = SCENES[scene](whole, copied(home, whole.vendor.root / scene), tmp_path)
    sweep(Sweep(whole.nursery, tmp_path, work), seed, scene)
    shutil.rmtree(work.settings["home"])


def test_every_write_of_a_run_that_sends_to_a_channel(
    whole: Market, tmp_path: Path, seed: int, httpserver: HTTPServer
) -> None:
    require_library()
    httpserver.expect_request("/channel").respond_with_data("")
    work = alerting_run(whole, f"json://127.0.0.1:{httpserver.port}/channel")
    sweep(Sweep(whole.nursery, tmp_path, work), seed, "told")


def test_every_write_of_a_demo(tmp_path: Path, seed: int) -> None:
    require_library()
    days = demonstrated()
    span = {"CANDLELAKE_START": str(min(days)), "CANDLELAKE_END": str(max(days))}
    with nursery(tmp_path / "runs", **span, **preloaded()) as runs:
        sweep(Sweep(runs, tmp_path, second_demo(runs, tmp_path / "home")), seed, "demo")


def sweep(prepared: Sweep, seed: int, name: str) -> None:
    """Try every write, and some of those to databases, for one kind of end; three times as often, for all of them."""
    chance = random.Random(f"{seed} {name}")  # noqa: S311 (a seed, to be replayed)
    moments = prepared.drawn(chance, scaled(OF_DATABASES), kinds=min(3, scaled(1)))
    for moment in moments:
        prepared.require_survived(moment)
    assert prepared.refused > len(moments) / 2, "not every write comes again in each run"


@pytest.mark.skipif(os.name == "nt", reason="Disks are mounted by a command of Linux.")
def test_a_small_disk(whole: Market, tmp_path: Path) -> None:
    with small_disk(whole.vendor.root / "full", megabytes=96) as disk:
        settings = whole.bare_home("full/home")
        whole.publish(OLD)
        whole.run(settings)
        whole.publish(NEW)
        before = shutil.copytree(settings["home"], tmp_path / "filled")
        # The records of runs lie elsewhere, or a run would end before its first table.
        elsewhere = {"DAGSTER_HOME": str(tmp_path / "dagster")}
        (tmp_path / "dagster").mkdir()
        for command in COMMANDS:
            for step in range(scaled(STEPS)):
                fill = int(2 ** (3 + 8 * step / scaled(STEPS)))
                shutil.rmtree(settings["home"])
                shutil.copytree(before, settings["home"])
                ballast = leave(disk, fill)
                code, output = result_of(whole, settings, *command, environment=elsewhere)
                ballast.unlink()
                assert code in {0, 1}, f"{command} with {fill} kB: {output}"
                assert "Traceback" not in output, output
                assert checked(settings).damages == [], f"{command} with {fill} kB: {output}"
                require_well(whole, settings, command if code else ("status",), ("verify",))
