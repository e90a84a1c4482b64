"""`candlelake ui`: started for real once, over the home that other commands filled."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from assets_tests.cli.conftest import REPLACED, Home
from assets_tests.commands import environment, free_port, typed

pytestmark = pytest.mark.thorough

RUNS = {"query": "{runsOrError{... on Runs{results{jobName status}}}}"}


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def test_a_taken_port_is_one_line_with_the_remedy(home: Home, taken: int) -> None:
    answer = typed(home.path, "ui", "--port", str(taken))
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"error: Port {taken} of 127.0.0.1 cannot be used: ")
    assert "--port" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_taken_port_of_the_pages_names_its_setting(home: Home, taken: int) -> None:
    answer = typed(home.path, "ui", "--port", str(free_port()), CANDLELAKE_REPORTS_PORT=str(taken))
    assert answer.returncode == 1
    assert "CANDLELAKE_REPORTS_PORT" in answer.stderr


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is a signal on POSIX only")
def test_the_ui_shows_runs_and_pages_opens_the_browser_and_leaves_no_process(home: Home, tmp_path: Path) -> None:
    port, pages_port, opened = free_port(), free_port(), tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o755)
    variables = environment(CANDLELAKE_REPORTS_PORT=str(pages_port), BROWSER=str(browser), DISPLAY=":0")
    command = [sys.executable, "-m", "pipeline.cli", "--home", str(home.path), "ui", "--port", str(port)]
    with subprocess.Popen(  # noqa: S603 (our own command)
        command, cwd=home.path.parent, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            runs = answered(process, f"http://127.0.0.1:{port}/graphql")
            with urlopen(f"http://127.0.0.1:{pages_port}/") as response:
                index = response.read().decode()
            addresses = written_lines(opened, 2)
            group = group_below(process.pid)
        finally:
            process.send_signal(signal.SIGINT)
        data, words = process.communicate()
    assert {run["jobName"] for run in runs} == {"reference_data", "stocks_by_day"}
    assert len(runs) >= 4
    assert str(REPLACED) in index
    assert addresses == [f"http://127.0.0.1:{port}", f"http://127.0.0.1:{pages_port}/"]
    assert (process.returncode, data) == (0, "")
    assert words.splitlines()[-1] == "Stopped."
    assert "Traceback" not in words
    assert alive_in(group) == []
    with pytest.raises(URLError):
        urlopen(f"http://127.0.0.1:{pages_port}/")


def written_lines(path: Path, count: int) -> list[str]:
    """Return the lines of a file once it has `count` of them."""
    pause = threading.Event()
    while not path.exists() or len(path.read_text().splitlines()) < count:
        pause.wait(0.1)
    return path.read_text().splitlines()


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
