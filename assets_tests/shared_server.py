"""One server for all workers of a run: the first that needs it starts it, the last that is done with it ends it."""

import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

ENTRY, LOCK = "server.json", "server.lock"

Start = Callable[[Path], tuple["Popen[bytes]", str]]
"""Starts a server, in a session of its own, over a new folder; returns its process and its address."""


@contextmanager
def shared_server(folder: Path, start: Start) -> Iterator[str]:
    """Give the address of the server that the entry in `folder` names; start it if it is not running."""
    with _locked(folder):
        entry = _entry(folder) or _started(start)
        _write(folder, entry | {"users": entry["users"] + 1})
    try:
        yield entry["address"]
    finally:
        with _locked(folder):
            entry = _entry(folder)
            entry["users"] -= 1
            if entry["users"]:
                _write(folder, entry)
            else:
                end_server(folder)


def end_server(folder: Path) -> None:
    """End the server that the entry in `folder` names, if any, as a power cut would, and remove its data."""
    entry = _entry(folder)
    if entry:
        with suppress(ProcessLookupError):
            os.killpg(entry["pid"], signal.SIGKILL)
        shutil.rmtree(entry["data"], ignore_errors=True)
        (folder / ENTRY).unlink()


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all workers of this run see."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _started(start: Start) -> dict[str, Any]:
    data = Path(tempfile.mkdtemp(prefix="weed-"))  # short: the path of a socket may have 100 characters
    process, address = start(data)
    pid = process.pid
    process.returncode = 0  # the last user ends it: this worker need not wait for it
    return {"pid": pid, "address": address, "data": str(data), "users": 0}


def _entry(folder: Path) -> dict[str, Any]:
    path = folder / ENTRY
    return json.loads(path.read_text()) if path.exists() else {}


def _write(folder: Path, entry: dict[str, Any]) -> None:
    (folder / ENTRY).write_text(json.dumps(entry))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
