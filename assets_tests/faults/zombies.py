"""Runs that are stopped, given up and replaced by another, and then wake up."""

import os
import signal
import threading
from unittest.mock import patch

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from sqlalchemy.exc import OperationalError

from assets_tests.faults.moments import moments
from assets_tests.faults.nursery import Process
from assets_tests.faults.two_versions import NEW, OLD, Market, assert_agree, stored_tables, versions
from pipeline.orchestration.instance import open_instance

MOMENT = 0.02
"""Seconds for a stopped run to release its locks on the runs' database."""


class Zombies:
    """Stops runs at random moments, lets others take their place, and wakes them up again."""

    def __init__(self, market: Market, seed: int) -> None:
        self._market = market
        self._moments = moments(seed, "zombies")
        self._home = market.home("zombies")
        self._length = 0.0
        self.ends: list[str] = []
        """The exit code and output of each zombie."""
        self._replaced_by(OLD)

    def wake(self, count: int) -> None:
        """Wake that many zombies, each after its successor has run; each works on the other version's files."""
        successor, zombie = OLD, NEW
        while len(self.ends) < count:
            self._market.publish(zombie)
            run = self._market.start(self._home)
            threading.Event().wait(next(self._moments).share * self._length)
            os.kill(run.pid, signal.SIGSTOP)
            was_given_up = self._give_up(run)
            if was_given_up:
                self._replaced_by(successor)
                committed = versions(self._home)
                os.kill(run.pid, signal.SIGCONT)
                self.ends.append(f"{run.wait()}: {run.output()}")
                assert versions(self._home) == committed, "it committed something after it was replaced"
                assert_agree(stored_tables(self._home), successor)
            else:
                os.kill(run.pid, signal.SIGCONT)
                assert run.wait() == 0, run.output()
                successor, zombie = zombie, successor

    def _give_up(self, stopped: Process) -> bool:
        """Mark the stopped run as failed, as the monitoring of runs does; return whether it was in progress."""
        with (
            patch("pipeline.orchestration.patches.sqlite_files.PATIENCE", MOMENT),
            open_instance(self._home["home"]) as instance,
        ):
            while True:
                try:
                    return _marked(instance)
                except OperationalError:
                    # It holds the lock of a SQLite file, and all others would wait half a minute for it.
                    os.kill(stopped.pid, signal.SIGCONT)
                    threading.Event().wait(MOMENT)
                    os.kill(stopped.pid, signal.SIGSTOP)

    def _replaced_by(self, version: str) -> None:
        self._market.publish(version)
        self._length = self._market.run(self._home)
        assert_agree(stored_tables(self._home), version)


def _marked(instance: DagsterInstance) -> bool:
    in_progress: list[DagsterRun] = list(instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED])))
    for run in in_progress:
        instance.report_run_failed(run)
    return bool(in_progress)
