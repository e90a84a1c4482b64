"""`candlelake` as a person types it: each command in a process of its own, and its UI for as long as it is needed."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from assets_tests.ready_process import ready_process

COMMAND = [sys.executable, "-m", "pipeline.cli"]


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment without what is set for candlelake or Dagster there, and with `settings`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CANDLELAKE_", "DAGSTER_"))}
    return kept | settings


def typed(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Return what `candlelake --home HOME …` answers in a process of its own."""
    return typed_module("pipeline.cli", "--home", str(home), *arguments, cwd=home.parent, **settings)


def typed_module(module: str, *arguments: str, cwd: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Return what `python -m MODULE …` answers in a process of its own, typed in the folder `cwd`."""
    here = environment(**settings)
    if hasattr(os, "fork"):
        return ready_process().run(module, *arguments, cwd=cwd, environment=here)
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=cwd, env=here, capture_output=True, text=True, check=False)  # noqa: S603


def free_port() -> int:
    """Return a free port, below those that systems give to outgoing connections.

    It is used only seconds later: a test of another worker would often have connected from it by then.
    """
    for port in random.SystemRandom().sample(range(10_000, 20_000), 200):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("There is no free port.")


@dataclass(frozen=True)
class Served:
    """Where a UI that runs is found."""

    dagster: str
    pages: str


@contextmanager
def served_ui(home: Path, log: Path, *options: str, **settings: str) -> Iterator[Served]:
    """Run `candlelake ui` over `home` while the context lasts, once it answers; its words go to the file `log`."""
    port, pages_port = free_port(), free_port()
    served = Served(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{pages_port}")
    command = [*COMMAND, "--home", str(home), "ui", "--no-browser", "--port", str(port), *options]
    with log.open("wb") as words:
        process = subprocess.Popen(  # noqa: S603 (our own command)
            command,
            cwd=home.parent,
            env=environment(CANDLELAKE_REPORTS_PORT=str(pages_port), **settings),
            stdout=words,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for_answer(process, f"{served.dagster}/server_info")
            yield served
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def wait_for_answer(process: "subprocess.Popen[bytes]", address: str) -> None:
    """Return once `address` answers. Raises RuntimeError when the process ends before."""
    pause = threading.Event()
    while process.poll() is None:
        try:
            with urlopen(address):  # noqa: S310 (loopback)
                return
        except URLError:
            pause.wait(0.2)
    raise RuntimeError(f"The UI ended with {process.returncode}.")
