"""A disk that is full at every write of every command: with room again the command ends well, and nothing is lost."""

import os
import shutil
from pathlib import Path

import pytest

from assets_tests.faults.test_machine import BACKFILL, leave, small_disk
from assets_tests.faults.two_versions import DAYS, NEW, OLD, Market
from assets_tests.torture.conftest import scaled
from assets_tests.torture.striking import bare_home, checked, ended, require_well
from assets_tests.torture.test_first_commits import ADD

COMMANDS = (ADD, BACKFILL, ("run", "--date", str(DAYS[0])), ("restate",), ("reference",))

STEPS = 5
"""Amounts of room, each twice the last, for each command."""


@pytest.mark.skipif(os.name == "nt", reason="Disks are mounted by a command of Linux.")
def test_full_disks(whole: Market, tmp_path: Path) -> None:
    with small_disk(whole.vendor.root / "full", megabytes=96) as disk:
        settings = bare_home(whole, "full/home")
        whole.publish(OLD)
        whole.run(settings)
        whole.publish(NEW)
        filled = shutil.copytree(settings["home"], tmp_path / "filled")
        # The records of runs lie elsewhere, or a run would end before its first table.
        elsewhere = {"DAGSTER_HOME": str(tmp_path / "dagster")}
        (tmp_path / "dagster").mkdir()
        for command in COMMANDS:
            for step in range(scaled(STEPS)):
                fill = int(2 ** (3 + 8 * step / scaled(STEPS)))
                shutil.rmtree(settings["home"])
                shutil.copytree(filled, settings["home"])
                ballast = leave(disk, fill)
                code, said = ended(whole, settings, *command, environment=elsewhere)
                ballast.unlink()
                assert code in {0, 1}, f"{command} with {fill} kB: {said}"
                assert "Traceback" not in said, said
                assert checked(settings).damages == [], f"{command} with {fill} kB: {said}"
                require_well(whole, settings, command if code else ("status",), ("verify",))
