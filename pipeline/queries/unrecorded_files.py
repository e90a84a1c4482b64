"""Judges files without a recorded hash in a process of their own: some damaged files crash the Polars that reads them.

Polars allocates as much memory as a damaged file claims to need, and a Rust library that gets none ends its process.
The process judges one file after the other; when a file has ended it, a new process judges the next.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from threading import Lock
from typing import BinaryIO, Self

from pipeline.errors import PlaceFailed
from pipeline.lake.delta.log_entries import DataFile
from pipeline.lake.integrity.decoding import decoded
from pipeline.market.built_in import BUILT_IN
from pipeline.market.market import market_of
from pipeline.tables import contracts
from pipeline.venues.us_stocks import US_STOCKS

ROOM, OF_A_BYTE, OF_A_ROW = 4_000_000_000, 1_000, 1_000
"""Bytes of memory for judging a file: always, for each byte of it, and for each row that the log counts in it.

Far more than any undamaged file takes; without a limit, a file that claims a trillion rows may get memory for them.
"""


class Judge:
    """Says what is wrong with a file. Its process starts with the first file, and ends with the context."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def judged(self, data: bytes, file: DataFile, table: str) -> str | None:
        """Return what is wrong with the bytes of `file` of the table `market/name`, as `decoded`; None when nothing is.

        Raises PlaceFailed when the system killed the process: that says nothing about the file.
        """
        with self._lock:
            try:
                return self._ask_process(data, file, table)
            except (OSError, EOFError):
                code = self._end()
        if code == -signal.SIGKILL:
            raise PlaceFailed(
                f"The system killed the process that was reading {table}/{file.name}.",
                remedy="Most likely it is out of memory: close other programs and run it again.",
            )
        how = signal.Signals(-code).name if code < 0 else f"code {code}"
        return f"cannot be read (reading it ends the process, with {how})"

    def _ask_process(self, data: bytes, file: DataFile, table: str) -> str | None:
        if self._process is None:
            self._process = _start_process()
        request, response = self._process.stdin, self._process.stdout
        if request is None or response is None:
            raise EOFError
        request.write(json.dumps({"name": file.name, "rows": file.rows, "table": table, "size": len(data)}).encode())
        request.write(b"\n")
        request.write(data)
        request.flush()
        answer = response.readline()
        if not answer.endswith(b"\n"):
            raise EOFError
        fault: str | None = json.loads(answer)
        return fault

    def _end(self) -> int:
        """End the process if there is one; return how it ended."""
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # the process is gone already
                    pipe.close()
        return process.wait()


def _start_process() -> subprocess.Popen[bytes]:
    # The new process finds its packages where this one does.
    here = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    program = f"from {__name__} import serve; serve()"
    return subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-W", "ignore", "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=here,
        # Ctrl-C reaches the parent only; this process ends with it.
        start_new_session=True,
    )


def serve() -> None:
    """Judge the files that come on stdin until it ends, and answer each with a line on stdout."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    devnull = os.open(os.devnull, os.O_RDWR)
    os.dup2(devnull, 1)
    while line := incoming.readline():
        outgoing.write(json.dumps(_judged(json.loads(line), incoming)).encode() + b"\n")


def _judged(request: dict[str, object], incoming: BinaryIO) -> str | None:
    size, rows = int(str(request["size"])), request["rows"]
    data = incoming.read(size)
    file = DataFile(str(request["name"]), size, rows if isinstance(rows, int) else None, None, None, 0)
    _grant(ROOM + OF_A_BYTE * size + OF_A_ROW * (file.rows or 0))
    return decoded(data, file, contracts(market_of(US_STOCKS, BUILT_IN)).get(str(request["table"])))


def _grant(memory: int) -> None:
    """Limit this process to so many bytes of memory, where the system supports limits."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 (not there on Windows)

    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (memory if most == resource.RLIM_INFINITY else min(memory, most), most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
