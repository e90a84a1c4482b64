"""Killing runs at random moments, and what must be true after each kill."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from assets_tests.faults.moments import Moment, moments
from assets_tests.faults.two_versions import NEW, OLD, Market, assert_agree, lake_of, stored_tables, versions
from assets_tests.stocks import TABLES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.table import Table
from pipeline.lake.delta.files import files_of
from pipeline.lake.delta.maintenance import vacuum
from pipeline.lake.lake import Lake
from pipeline.lake.storage.store import FolderStore

NOTHING = "nothing"
"""The state of a home whose newest sessions never ran."""

Tables = dict[str, pl.DataFrame]


class Kills:
    """Runs that are killed after a random share of the time that one takes, again and again."""

    def __init__(self, market: Market, seed: int) -> None:
        self._market = market
        self._name = f"killed-{token_hex(4)}"
        self._seed = seed
        self._length = 0.0
        self.reached: Counter[int] = Counter()
        """To how many tables killed runs had committed, and how often."""
        self.expected = {version: self._undisturbed(version) for version in (NOTHING, OLD, NEW)}

    def _undisturbed(self, version: str) -> Tables:
        settings = self._market.home(f"{self._name}/undisturbed-{version}")
        if version != NOTHING:
            self._market.publish(version)
            self._length = self._market.run(settings)
            assert_agree(stored_tables(settings), version)
        return stored_tables(settings)

    def first_runs(self, kills: int) -> None:
        """Kill that many first runs, each over a lake that has never seen the sessions."""
        self._market.publish(OLD)
        tries = moments(self._seed, "first runs")
        for _ in range(kills):
            self._completed(self._killed_first_run(tries), OLD)

    def _killed_first_run(self, tries: Iterator[Moment]) -> dict[str, Any]:
        while True:
            moment = next(tries)
            settings = self._market.home(f"{self._name}/first-{moment.number}")
            if self._killed(settings, NOTHING, OLD, moment):
                return settings

    def rewriting_runs(self, kills: int) -> None:
        """Kill that many runs that replace the rows of one lake: the old version by the new, and back, in turn.

        A killed run is followed by another that may be killed too, until one runs to its end.
        """
        settings = self._rewritten = self._market.home(f"{self._name}/rewritten")
        self._market.publish(OLD)
        self._completed(settings, OLD)
        before, after = OLD, NEW
        self._market.publish(after)
        for moment in moments(self._seed, "rewriting runs"):
            was_killed = self._killed(settings, before, after, moment)
            kills -= was_killed
            if not kills or moment.is_followed_by_whole_run or not was_killed:
                self._completed(settings, after)
                before, after = after, before
                self._market.publish(after)
            if not kills:
                return

    def _killed(self, settings: dict[str, Any], before: str, after: str, moment: Moment) -> bool:
        """Start a run from one state to the other, kill it, and return whether it was killed in time."""
        committed = versions(settings)
        run = self._market.start(settings)
        threading.Event().wait(moment.share * self._length)
        os.kill(run.pid, signal.SIGKILL)
        code = run.wait()
        assert code in {0, -signal.SIGKILL}, f"{moment}: {run.output()}"
        self._require_whole(stored_tables(settings), before, after, moment)
        self.reached[len(versions(settings).items() - committed.items())] += code != 0
        return code != 0

    def _require_whole(self, tables: Tables, before: str, after: str, moment: Moment) -> None:
        """Fail unless each table is what it was or what it is to be."""
        for name, rows in tables.items():
            old, new = self.expected[before][name], self.expected[after][name]
            assert rows.equals(old) or rows.equals(new), f"{moment}: {name} is neither as before nor as after:\n{rows}"
        # The audit trail comes last: what it records is there.
        if tables[DELIVERIES.sql_name].equals(self.expected[after][DELIVERIES.sql_name]):
            assert_agree(tables, after)

    def _completed(self, settings: dict[str, Any], after: str) -> None:
        """Run the sessions undisturbed, and fail unless every table is as it is to be."""
        self._length = self._market.run(settings)
        tables = stored_tables(settings)
        assert_agree(tables, after)
        for name, expected in self.expected[after].items():
            assert_frame_equal(tables[name], expected)

    def require_nothing_left_over(self) -> None:
        """Fail unless a vacuum removes whatever killed runs left in the lake of `rewriting_runs`, and nothing else."""
        lake, before = lake_of(self._rewritten), stored_tables(self._rewritten)
        if isinstance(lake.store, FolderStore):  # on S3 a file's age cannot be changed
            make_older(Path(lake.root), days=3)
            for table in TABLES:
                vacuum(lake, table, keep=timedelta(days=1), run_id="vacuum")
                assert on_disk(Path(lake.uri(table))) == of_every_version(lake, table)
        for name, rows in stored_tables(self._rewritten).items():
            assert_frame_equal(rows, before[name])


def make_older(folder: Path, days: int) -> None:
    """Date every file back by some days."""
    for path in folder.rglob("*"):
        then = path.stat().st_mtime - days * 86_400
        os.utime(path, (then, then))


def on_disk(folder: Path) -> set[str]:
    """Return the data files of a table that are there, finished or not."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*.parquet*") if "_delta_log" not in path.parts}


def of_every_version(lake: Lake, table: Table) -> set[str]:
    """Return the data files that any version of a table needs."""
    versions = range(lake.version(table) + 1)
    return {file for version in versions for file in files_of(lake.open(table, version))["path"]}
