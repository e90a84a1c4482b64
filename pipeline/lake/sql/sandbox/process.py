"""The parent's side of a child: it starts it, sends queries, reads bounded answers, watches its memory, and ends it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.errors import QueryError
from pipeline.lake.sql.sandbox.failures import ended, error_from, misspoken, too_much_memory
from pipeline.lake.sql.sandbox.frames import LARGEST_JSON, BrokenFrame, Kind, SideEnded, json_of, read_frame, write_json
from pipeline.lake.sql.sandbox.terms import Setup
from pipeline.lake.sql.sandbox.waiting import wait_until_readable

START = Path(__file__).with_name("start.py")

LOOK_EVERY = 0.02
"""Seconds between two looks at the child's memory."""

RESERVED = 5
"""Where `/proc/N/statm` says how much memory of its own a process has reserved."""

PIECE = 1 << 20
"""Bytes read at once."""

SLACK = 1 << 20
"""Bytes that Arrow's own words add to a piece of an answer at most."""

ENDS_WITHIN = 5
"""Seconds in which a child that closed its side has ended; then it is ended."""


class Child:
    """One confined process that answers queries one after the other. After an error of `answers` it may have ended."""

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
        """Return whether earlier queries left little of the memory that it may reserve.

        Allocators keep what was freed reserved, and the system's limit counts that.
        """
        return _pages(self._process.pid, RESERVED) > self._limits.memory // 2

    @property
    def number(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    def ready(self) -> dict[str, Any]:
        """Wait until the child can answer; return what it says of itself. Raises what stopped it."""
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
        """Yield the answer to a query as Arrow IPC streams. Raises what the child says, or how it ended."""
        self.is_idle = False
        # Sent before the child is ready, which then need not wait for us.
        self._send(Kind.QUERY, {"query": query})
        self.ready()
        taken = 0
        while True:
            kind, body = self._next()
            if kind in {Kind.DONE, Kind.FAILED}:
                self.is_idle = True
                if kind is Kind.FAILED:
                    raise error_from(body)
                return
            if kind is not Kind.ROWS:
                raise self._broken()
            taken += len(body)
            # The child keeps the limit itself; one that was taken over need not.
            if taken > self._limits.answer * 1.1 + SLACK:
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
            raise self._ended() from gone

    def _write(self, content: bytes) -> None:
        while content:
            content = content[os.write(self._outgoing, content) :]

    def _next(self) -> tuple[Kind, Any]:
        """Return the next frame: bytes of rows, else what its JSON holds."""
        try:
            kind, body = read_frame(self._read, self._largest)
            return kind, body if kind is Kind.ROWS else json_of(body)
        except SideEnded as gone:
            raise self._ended() from gone
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
        """End the child when it takes more than it may."""
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        if resident_bytes(self._process.pid) > self._limits.memory:
            self.end()
            raise too_much_memory(self._limits)

    def _broken(self) -> QueryError:
        """End a child that does not speak as agreed; return the error."""
        self.end()
        return misspoken()

    def _ended(self) -> QueryError:
        """Return how the child ended; end it if it only closed its side."""
        try:
            code = self._process.wait(timeout=ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            code = 0
        self.end()
        return ended(code, self._limits)


def resident_bytes(process: int) -> int:
    """Return how much memory a process takes; 0 where the system does not say."""
    return _pages(process, 1)


def _pages(process: int, place: int) -> int:
    try:
        words = Path(f"/proc/{process}/statm").read_text().split()
        return int(words[place]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _environment(spill: str) -> dict[str, str]:
    """Return the whole environment of a child: nothing of ours, which may hold secrets."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    return {
        **kept,
        "HOME": spill,
        "TMPDIR": spill,
        "TEMP": spill,
        "TMP": spill,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # The child only passes on what DuckDB has computed.
        "POLARS_MAX_THREADS": "2",
    }
