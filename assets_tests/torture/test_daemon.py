"""Dagster killed in a backfill: the monitoring of runs ends the run that is lost, and a retry finishes it."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import yaml
from dagster import DagsterInstance, DagsterRunStatus

from assets_tests.commands import COMMAND, environment, free_port, wait_for_answer
from assets_tests.faults.two_versions import DAYS, HISTORY, OLD, Market, assert_agree, stored_tables
from pipeline.orchestration.instance import open_instance

LONGEST_RUN = 60
"""Seconds after which a run counts as lost; four hours, as shipped."""
PATIENCE = 900
"""Seconds after which this test gives up."""

BACKFILL = """mutation Start($parameters: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $parameters) { __typename ... on PythonError { message } }
}"""
ASSETS = ["raw_day_aggs", "daily_bars", "quarantine", "deliveries", "indicators", "candidates"]


def test_a_backfill_is_finished_although_every_process_of_dagster_was_killed(whole: Market, tmp_path: Path) -> None:
    settings = whole.home("daemon")
    home: Path = settings["home"]
    whole.publish(OLD)
    variables = {"FLAT_FILES": settings["flat_files"], "MAX_BAD_SHARE": "0.5", "START": HISTORY[0], "END": DAYS[-1]}
    (home / "settings.env").write_text("".join(f"CANDLELAKE_{name}={value}\n" for name, value in variables.items()))
    with open_instance(home) as instance:
        impatient(home)
        with ui(home, tmp_path / "first.txt") as address:
            backfill(address)
            wait_for(lambda: statuses(instance) == [DagsterRunStatus.STARTED])
        assert statuses(instance) == [DagsterRunStatus.STARTED], "nobody was left to say that the run was lost"
        with ui(home, tmp_path / "second.txt"):
            wait_for(lambda: DagsterRunStatus.SUCCESS in statuses(instance))
        first, *_, last = sorted(
            instance.get_runs(), key=lambda run: instance.get_run_stats(run.run_id).launch_time or 0
        )
    assert first.status == DagsterRunStatus.FAILURE
    assert (last.status, last.root_run_id) == (DagsterRunStatus.SUCCESS, first.run_id)
    assert_agree(stored_tables(settings), OLD)


def impatient(home: Path) -> None:
    """Make the daemon of a home check runs every second, and take a run for lost after a minute."""
    config = home / "dagster" / "dagster.yaml"
    content = yaml.safe_load(config.read_text())
    content["run_monitoring"] |= {"max_runtime_seconds": LONGEST_RUN, "poll_interval_seconds": 1}
    config.write_text(yaml.safe_dump(content))


@contextmanager
def ui(home: Path, log: Path) -> Iterator[str]:
    """Run `candlelake ui`, give its address, and kill all of its processes at the end without a word to any."""
    port = free_port()
    with (
        log.open("wb") as words,
        subprocess.Popen(  # noqa: S603 (our own command)
            [*COMMAND, "--home", str(home), "ui", "--no-browser", "--port", str(port)],
            cwd=home.parent,
            env=environment(CANDLELAKE_REPORTS_PORT=str(free_port())),
            stdout=words,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            wait_for_answer(process, f"http://127.0.0.1:{port}/server_info")
            yield f"http://127.0.0.1:{port}"
        finally:
            for pid in [process.pid, *below(process.pid)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def below(parent: int) -> list[int]:
    """Return every process that a process started, and the ones that they started."""
    command = ["ps", "-eo", "pid=,ppid="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()  # noqa: S603
    children: dict[int, list[int]] = {}
    for pid, ppid in (map(int, line.split()) for line in listed):
        children.setdefault(ppid, []).append(pid)
    found, waiting = [], [parent]
    while waiting:
        new = children.get(waiting.pop(), [])
        found += new
        waiting += new
    return found


def backfill(address: str) -> None:
    """Ask the web server for a backfill of `DAYS`, as its page does."""
    parameters: dict[str, Any] = {
        "assetSelection": [{"path": ["stocks", name]} for name in ASSETS],
        "partitionNames": [str(day) for day in DAYS],
    }
    body = json.dumps({"query": BACKFILL, "variables": {"parameters": parameters}}).encode()
    request = Request(f"{address}/graphql", body, {"content-type": "application/json"})  # noqa: S310 (loopback)
    with urlopen(request) as response:  # noqa: S310
        answer = json.load(response)["data"]["launchPartitionBackfill"]
    assert answer["__typename"] == "LaunchBackfillSuccess", answer


def statuses(instance: DagsterInstance) -> list[DagsterRunStatus]:
    return [run.status for run in instance.get_runs()]


def wait_for(true: Callable[[], bool]) -> None:
    since, pause = time.monotonic(), threading.Event()
    while not true():
        assert time.monotonic() - since < PATIENCE, "Dagster never got there"
        pause.wait(0.2)
