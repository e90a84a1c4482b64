"""`candlelake ui`: started for real once, over the home that other commands filled."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from assets_tests.cli.conftest import Home, environment, typed

RUNS = {"query": "{runsOrError{... on Runs{results{jobName status}}}}"}


@pytest.fixture
def port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


def test_a_taken_port_is_one_line_with_the_remedy(home: Home, port: int) -> None:
    answer = typed(home.path, "ui", "--port", str(port))
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"error: Port {port} of 127.0.0.1 cannot be used: ")
    assert "--port" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is a signal on POSIX only")
def test_the_ui_shows_the_runs_of_the_command_line_and_leaves_no_process(home: Home) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    command = [sys.executable, "-m", "pipeline.cli", "--home", str(home.path), "ui", "--port", str(free)]
    with subprocess.Popen(  # noqa: S603 (our own command)
        command, cwd=home.path.parent, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            runs = answered(process, f"http://127.0.0.1:{free}/graphql")
            group = group_below(process.pid)
        finally:
            process.send_signal(signal.SIGINT)
        data, words = process.communicate()
    assert {run["jobName"] for run in runs} == {"stocks_by_day"}
    assert len(runs) >= 4
    assert (process.returncode, data) == (0, "")
    assert words.splitlines()[-1] == "Stopped."
    assert "Traceback" not in words
    assert alive_in(group) == []


def answered(process: "subprocess.Popen[str]", address: str) -> list[dict[str, str]]:
    """Return the runs that the UI knows, once it answers; fail when it ends before."""
    request = Request(address, json.dumps(RUNS).encode(), {"content-type": "application/json"})  # noqa: S310
    pause = threading.Event()
    while process.poll() is None:
        try:
            with urlopen(request) as response:  # noqa: S310 (loopback)
                return json.load(response)["data"]["runsOrError"]["results"]
        except URLError:
            pause.wait(0.2)
    pytest.fail(f"The UI ended with {process.returncode}.")


def group_below(parent: int) -> int:
    """Return the process group of the Dagster that the command started."""
    return next(int(group) for ppid, group, *_ in processes() if int(ppid) == parent)


def alive_in(group: int) -> list[str]:
    """Return the programs of a process group that have not ended; an ended one may wait for its parent to notice."""
    return [program for _, pgid, state, program in processes() if int(pgid) == group and not state.startswith("Z")]


def processes() -> list[list[str]]:
    """Return parent, group, state and program of every process."""
    command = ["ps", "-eo", "ppid=,pgid=,stat=,comm="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return [line.split(maxsplit=3) for line in listed.splitlines()]
