"""The parent's side of a child: starts it, sends queries, reads answers of limited size, watches memory, ends it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.errors import QueryError
from pipeline.lake.sql.sandbox.failures import error_from, exit_error, memory_error, protocol_error
from pipeline.lake.sql.sandbox.frames import LARGEST_JSON, BrokenFrame, Kind, SideEnded, json_of, read_frame, write_json
from pipeline.lake.sql.sandbox.terms import Setup
from pipeline.lake.sql.sandbox.waiting import wait_until_readable

START = Path(__file__).with_name("start.py")

LOOK_EVERY = 0.02
"""Seconds between two checks of the child's memory."""

RESERVED = 5
"""Index in `/proc/N/statm` of the private memory that a process has reserved."""

PIECE = 1 << 20
"""Bytes read at once."""

SLACK = 1 << 20
"""Most bytes that Arrow's format adds to a piece of an answer."""

ENDS_WITHIN = 5
"""Seconds in which a child that closed its side must end; then it is killed."""


class Child:
    """A confined process that answers queries one after the other. After an error of `answers` it may have ended."""

    def __init__(self, setup: Setup) -> None:
        if not sys.executable:
            raise QueryError(
                "SQL runs in a Python process of its own, and this program does not know where Python is.",
                remedy="Run candlelake with the Python of a virtual environment.",
            )
        self._limits = setup.limits
        self._looked = 0.0
        self._ready: dict[str, Any] = {}
        self.is_idle = True
        """Whether it waits for a query."""
        self._process = subprocess.Popen(  # noqa: S603 (our own file)
            [sys.executable, "-I", "-S", str(START)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=setup.spill,
            env=_environment(setup.spill),
            # Ctrl-C reaches the parent only, which ends the child at once.
            start_new_session=True,
        )
        self._incoming = self._process.stdout.fileno() if self._process.stdout else -1
        self._outgoing = self._process.stdin.fileno() if self._process.stdin else -1
        self._send(Kind.SETUP, asdict(setup))

    @property
    def is_alive(self) -> bool:
        """Return whether it still runs."""
        return self._process.poll() is None

    @property
    def is_worn(self) -> bool:
        """Return whether earlier queries left little of the memory that the child may reserve.

        Allocators keep freed memory reserved, and the system's limit counts it.
        """
        return _pages(self._process.pid, RESERVED) > self._limits.memory // 2

    @property
    def number(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    def ready(self) -> dict[str, Any]:
        """Wait until the child is ready; return the body of its READY frame. Raises the error that stopped it."""
        while not self._ready:
            kind, body = self._next()
            if kind is Kind.FAILED:
                self.end()
                raise error_from(body)
            if kind is not Kind.READY or not body:
                raise self._broken()
            self._ready = body
        return self._ready

    def answers(self, query: str) -> Iterator[bytes]:
        """Yield the answer to a query as Arrow IPC streams. Raises the error of the child, or how it ended."""
        self.is_idle = False
        # Sent before the child is ready, so that it need not wait for us.
        self._send(Kind.QUERY, {"query": query})
        self.ready()
        received = 0
        while True:
            kind, body = self._next()
            if kind in {Kind.DONE, Kind.FAILED}:
                self.is_idle = True
                if kind is Kind.FAILED:
                    raise error_from(body)
                return
            if kind is not Kind.ROWS:
                raise self._broken()
            received += len(body)
            # The child enforces the limit itself; a compromised child may not.
            if received > self._limits.answer * 1.1 + SLACK:
                raise self._broken()
            yield body

    def end(self) -> None:
        """End it at once."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _send(self, kind: Kind, body: dict[str, Any]) -> None:
        try:
            write_json(self._write, kind, body)
        except OSError as gone:
            raise self._exit_error() from gone

    def _write(self, content: bytes) -> None:
        while content:
            content = content[os.write(self._outgoing, content) :]

    def _next(self) -> tuple[Kind, Any]:
        """Return the next frame: bytes of rows, or a JSON object."""
        try:
            kind, body = read_frame(self._read, self._largest)
            return kind, body if kind is Kind.ROWS else json_of(body)
        except SideEnded as gone:
            raise self._exit_error() from gone
        except BrokenFrame as broken:
            raise self._broken() from broken

    def _largest(self, kind: Kind) -> int:
        return self._limits.row * 2 + SLACK if kind is Kind.ROWS else LARGEST_JSON

    def _read(self, size: int) -> bytes:
        content = bytearray()
        while len(content) < size:
            while not wait_until_readable(self._incoming, LOOK_EVERY):
                self._watch_memory()
            self._watch_memory()
            piece = os.read(self._incoming, min(size - len(content), PIECE))
            if not piece:
                break
            content += piece
        return bytes(content)

    def _watch_memory(self) -> None:
        """End the child when it takes more memory than its limit."""
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        if resident_bytes(self._process.pid) > self._limits.memory:
            self.end()
            raise memory_error(self._limits)

    def _broken(self) -> QueryError:
        """End a child that breaks the protocol; return the error."""
        self.end()
        return protocol_error()

    def _exit_error(self) -> QueryError:
        """Return the error of a child that ended; end it if it only closed its side."""
        try:
            code = self._process.wait(timeout=ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            code = 0
        self.end()
        return exit_error(code, self._limits)


def resident_bytes(process: int) -> int:
    """Return the memory of a process in bytes; 0 where the system does not say."""
    return _pages(process, 1)


def _pages(process: int, place: int) -> int:
    try:
        words = Path(f"/proc/{process}/statm").read_text().split()
        return int(words[place]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _environment(spill: str) -> dict[str, str]:
    """Return the whole environment of a child: none of our variables, which may hold secrets."""
    system = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    return {
        **system,
        "HOME": spill,
        "TMPDIR": spill,
        "TEMP": spill,
        "TMP": spill,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # The child only passes on DuckDB's results.
        "POLARS_MAX_THREADS": "2",
    }
