"""Judging files of which no hash was recorded in a process of its own: over some damaged ones, Polars ends its process.

It asks for as much memory as a damaged file says, and a library in Rust that gets none ends all. The process judges one
file after the other; when it has ended over one, the next is judged by another.
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
from pipeline.tables import CONTRACTS

ROOM, OF_A_BYTE, OF_A_ROW = 4_000_000_000, 1_000, 1_000
"""Bytes of memory for judging a file: in any case, for each byte of it, and for each row that the log tells of.

Far more than any file takes that is whole; without a limit, a file that says it holds a trillion rows may get them.
"""


class Judge:
    """Says what is wrong with a file. Its process is started for the first one, and ends with the context."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def judged(self, data: bytes, told: DataFile, table: str) -> str | None:
        """Return what is wrong with the bytes of a file of the table `market/name`, None for nothing, as `decoded`.

        Raises PlaceFailed when the system ended the process, which says nothing of the file.
        """
        with self._lock:
            try:
                return self._asked(data, told, table)
            except (OSError, EOFError):
                code = self._end()
        if code == -signal.SIGKILL:
            raise PlaceFailed(
                f"The system ended the process that was to read {table}/{told.name}.",
                remedy="It lacks memory, most likely: end other programs, and run it again.",
            )
        how = signal.Signals(-code).name if code < 0 else f"code {code}"
        return f"cannot be read (reading it ends the process, with {how})"

    def _asked(self, data: bytes, told: DataFile, table: str) -> str | None:
        if self._process is None:
            self._process = _started()
        asked, said = self._process.stdin, self._process.stdout
        if asked is None or said is None:
            raise EOFError
        asked.write(json.dumps({"name": told.name, "rows": told.rows, "table": table, "size": len(data)}).encode())
        asked.write(b"\n")
        asked.write(data)
        asked.flush()
        answer = said.readline()
        if not answer.endswith(b"\n"):
            raise EOFError
        found: str | None = json.loads(answer)
        return found

    def _end(self) -> int:
        """End the process if there is one; return how it ended."""
        ended, self._process = self._process, None
        if ended is None:
            return 0
        for pipe in (ended.stdin, ended.stdout):
            if pipe is not None:
                with suppress(OSError):  # it is gone, and takes no more
                    pipe.close()
        return ended.wait()


def _started() -> subprocess.Popen[bytes]:
    # Where this process finds its packages, that one finds them too.
    here = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    program = f"from {__name__} import serve; serve()"
    return subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-W", "ignore", "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=here,
        # Ctrl-C reaches the parent, at whose end this one ends.
        start_new_session=True,
    )


def serve() -> None:
    """Judge the files that come by stdin until it ends, and answer each in a line of stdout."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    while line := incoming.readline():
        outgoing.write(json.dumps(_judged(json.loads(line), incoming)).encode() + b"\n")


def _judged(asked: dict[str, object], incoming: BinaryIO) -> str | None:
    size, rows = int(str(asked["size"])), asked["rows"]
    data = incoming.read(size)
    told = DataFile(str(asked["name"]), size, rows if isinstance(rows, int) else None, None, None, 0)
    _grant(ROOM + OF_A_BYTE * size + OF_A_ROW * (told.rows or 0))
    return decoded(data, told, CONTRACTS.get(str(asked["table"])))


def _grant(memory: int) -> None:
    """Let this process take so many bytes of memory, where the system knows limits."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 (not there on Windows)

    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (memory if most == resource.RLIM_INFINITY else min(memory, most), most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
