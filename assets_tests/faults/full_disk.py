"""A disk that is full at a chosen call, from any caller: Python, the engines in Rust, SQLite or DuckDB.

Like libfiu, by a preloaded library, since that needs no root; and like the tests of SQLite, at each call in
turn, after a run that only notes which calls there are.
"""

import re
import shutil
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

SOURCE = Path(__file__).with_suffix(".c")

NOTES, HEAD = 8 * 2**20, struct.Struct("=qqq")
"""Size of `struct notes`, and the numbers it begins with: calls counted, calls refused, bytes of lines."""

END, TORN, NEXT = "end", "torn", "next"
"""How long the disk stays full: to the end; to the end, but half of the first write fits; for that one call."""

RANDOM = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), f"{'?' * 8}-????-????-????-{'?' * 12}"),
    (re.compile(r"(?<![0-9a-f])(?!\d{20}\b)[0-9a-f]{16,}(?![0-9a-f])"), "*"),
    (re.compile(r"(/\.(?:making|writing)-|/tmp)\w{8}(?=/|$)"), r"\1*"),
    (re.compile(r"/#\d+ .*"), "/#*"),
)
"""What differs in a name from one run to the next, and the pattern that stands for it."""

DATABASE = re.compile(r"\.db$|\.db-\w+$|\.duckdb-\*(\.wal)?$")
"""Files whose many writes, a page each, are kept whole by SQLite and DuckDB."""

FOLDER = TemporaryDirectory(prefix="candlelake-full-disk-")


@dataclass(frozen=True)
class Call:
    """A call that needs room: what it does, and a pattern of the path, relative to the folder, where it does it."""

    kind: str
    path: str

    @property
    def is_of_a_database(self) -> bool:
        return DATABASE.search(self.path) is not None


@dataclass(frozen=True)
class Moment:
    """When the disk is full: from which of the calls of one kind and path on, and until when."""

    call: Call
    number: int
    until: str = END

    def __str__(self) -> str:
        return f"{self.call.kind} {self.number} of {self.call.path}, full until {self.until}"


NEVER = Moment(Call("*", "*"), sys.maxsize)


class FullDisk:
    """What goes to the library and comes back by the file `notes`, for one command at a time."""

    def __init__(self, notes: Path) -> None:
        self._notes = notes

    def environment(self, folder: Path, moment: Moment = NEVER) -> dict[str, str]:
        """Return the variables that restart the library of a process, with the disk of `folder` full at `moment`."""
        with self._notes.open("wb") as notes:
            notes.truncate(NOTES)
        settings = {"FOLDER": folder, "NOTES": self._notes, "CALL": moment.call.kind, "PATH": moment.call.path}
        settings |= {"AT": moment.number, "UNTIL": moment.until}
        return {f"FULL_DISK_{name}": str(value) for name, value in settings.items()}

    def refused(self) -> int:
        """Return how many calls failed."""
        return HEAD.unpack_from(self._notes.read_bytes())[1]

    def calls(self) -> list[Call]:
        """Return every call that needed room, in order."""
        notes = self._notes.read_bytes()
        lines = notes[HEAD.size : HEAD.size + HEAD.unpack_from(notes)[2]].decode().splitlines()
        return [Call(kind, _pattern(path)) for kind, _, path in (line.partition(" ") for line in lines)]


def numbered(calls: Sequence[Call]) -> list[Moment]:
    """Return the moments that calls are, each with its number among those of its kind and path."""
    seen: Counter[Call] = Counter()
    moments = []
    for call in calls:
        seen[call] += 1
        moments.append(Moment(call, seen[call]))
    return moments


def _pattern(path: str) -> str:
    for differing, pattern in RANDOM:
        path = differing.sub(pattern, path)
    return path


@cache
def library() -> Path | None:
    """Return the library to preload, None where there is no compiler, or no Linux. Raises RuntimeError."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    made = Path(FOLDER.name, "full_disk.so")
    command = [compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(made), str(SOURCE)]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own source)
    if compiled.returncode:
        raise RuntimeError(f"{SOURCE.name} cannot be compiled:\n{compiled.stderr}")
    return made


def preloaded() -> dict[str, str]:
    """Return the variables that load the library into a process, idle by default; empty where there is none."""
    found = library()
    return {"LD_PRELOAD": str(found)} if found else {}


def require_library() -> None:
    """Skip a test where there is no such library."""
    if library() is None:
        pytest.skip("NOT TESTED: without a C compiler (gcc and libc6-dev) on Linux, no disk can be full at each write.")
