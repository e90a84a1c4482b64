"""The walls around the process that answers queries, each tried from inside as if the process had been taken over."""

import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from assets_tests.examples import first_quick
from assets_tests.lake.conftest import JAN_2, PRICES, prices
from pipeline.lake.lake import Lake
from pipeline.lake.sql import Sql
from pipeline.lake.sql.sandbox import landlock, seccomp
from pipeline.lake.sql.sandbox.places import PACKAGE, readable_places
from pipeline.lake.sql.sandbox.system_calls import ARCHITECTURES, CLOSED, NETWORK
from pipeline.lake.sql.sandbox.terms import Setup, Walls

ACTS = Path(__file__).with_name("confined_acts.py")

ALLOWED = {
    "read the lake", "list the lake", "write temporary files", "remove temporary files", "end itself by a signal",
}  # fmt: skip

FILES = {
    "read beside the lake", "list beside the lake", "read accounts", "read the parent's environment",
    "read another process", "list processes", "overwrite in the lake", "append in the lake", "create in the lake",
    "create beside the lake", "make a folder in the lake", "create in the home", "remove in the lake",
    "remove beside the lake", "rename in the lake", "link out of the lake", "link to a name", "truncate",
}  # fmt: skip
"""Refused by Landlock, also without the filter of system calls."""

CALLS = {
    "rename in the lake", "link out of the lake", "link to a name", "truncate", "change permissions",
    "change the owner", "change times", "change attributes", "open a socket", "connect", "fork", "run a program",
    "replace itself", "signal the parent", "signal everything", "memory that nobody counts", "trace", "unshare",
    "mount",
}  # fmt: skip
"""Refused by the filter of system calls, also without Landlock."""

needs_landlock = pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
needs_seccomp = pytest.mark.skipif(not seccomp.is_available(), reason="no filter is made for this processor")


class Inside:
    """A lake with a file beside it, and a way to try things behind the walls."""

    def __init__(self, folder: Path) -> None:
        self.lake, self.spill, self.secret = folder / "lake", folder / "spill", folder / "secret"
        Lake(self.lake).replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
        self.spill.mkdir()
        self.secret.write_text("precious")
        self._server = socket.create_server(("127.0.0.1", 0))

    def tried(self, acts: set[str], walls: Walls) -> dict[str, str]:
        setup = Setup(
            place={"folder": str(self.lake)},
            spill=str(self.spill),
            readable=readable_places(str(self.lake)),
            modules=[],
            parent=os.getpid(),
            walls=walls,
        )
        places = {
            "lake": str(self.lake),
            "secret": str(self.secret),
            "spill": str(self.spill),
            "port": str(self._server.getsockname()[1]),
        }
        request = json.dumps({"setup": asdict(setup), "places": places, "acts": sorted(acts)})
        command = [sys.executable, "-I", "-S", str(ACTS), str(PACKAGE.parent), request]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own file)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["outcomes"]

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    made = Inside(tmp_path)
    yield made
    made.close()


def done(outcomes: dict[str, str]) -> set[str]:
    return {act for act, outcome in outcomes.items() if outcome == "done"}


@needs_landlock
@needs_seccomp
def test_behind_all_walls_only_the_lake_is_read_and_only_temporary_files_are_written(inside: Inside) -> None:
    before = {path: path.read_bytes() for path in inside.lake.rglob("*") if path.is_file()}
    outcomes = inside.tried(ALLOWED | FILES | CALLS | {"raise a limit"}, Walls())
    assert done(outcomes) == ALLOWED
    assert {path: path.read_bytes() for path in inside.lake.rglob("*") if path.is_file()} == before
    assert inside.secret.read_text() == "precious"


@needs_landlock
def test_landlock_alone_closes_all_files(inside: Inside) -> None:
    assert done(inside.tried(ALLOWED | FILES, Walls(system_calls=False))) == ALLOWED


@needs_landlock
@needs_seccomp
@pytest.mark.parametrize("version", first_quick([1, 2, 3, 5]))
def test_an_older_landlock_closes_all_files_together_with_the_filter(inside: Inside, version: int) -> None:
    assert done(inside.tried(ALLOWED | FILES | CALLS, Walls(landlock=version))) == ALLOWED


@needs_seccomp
def test_the_filter_of_system_calls_holds_alone(inside: Inside) -> None:
    assert done(inside.tried(ALLOWED | CALLS, Walls(landlock=0))) == ALLOWED
    assert inside.secret.read_text() == "precious"


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_of_each_processor_refuses_what_is_closed_and_nothing_else(machine: str) -> None:
    architecture = ARCHITECTURES[machine]
    program = list(seccomp.instructions(architecture, [*CLOSED, *NETWORK], process=4711))
    refused = seccomp.REFUSE | 1

    def verdict(name: str, *arguments: int, audit: int = architecture.audit, above: int = 0) -> int:
        numbers = architecture.numbers | {"read": 63, "openat": 56 if machine == "aarch64" else 257}
        return run(program, struct.pack("<iIQ6Q", numbers[name] + above, audit, 0, *(arguments + (0,) * 6)[:6]))

    for name in {*CLOSED, *NETWORK} & architecture.numbers.keys():
        assert verdict(name) == refused, name
    assert verdict("openat") == seccomp.ALLOW
    assert verdict("clone3") == seccomp.REFUSE | 38
    assert verdict("clone", 0x11) == refused
    assert verdict("clone", 0x3D0F00) == seccomp.ALLOW
    for name in ("kill", "tgkill"):
        assert verdict(name, 4711) == seccomp.ALLOW
        assert {verdict(name, other) for other in (0, 1, 0xFFFFFFFF)} == {refused}
    assert {verdict("ioctl", 0, command) for command in seccomp.TERMINAL_INPUT} == {refused}
    assert verdict("ioctl", 0, 0x5401) == seccomp.ALLOW
    assert verdict("prlimit64", 0, 0, 1 << 40) == seccomp.ALLOW
    assert verdict("prlimit64", 4711, 2, 0) == seccomp.ALLOW
    assert {verdict("prlimit64", 0, 2, new) for new in (1, 1 << 32)} == {refused}
    assert verdict("prlimit64", 1, 0, 0) == refused
    assert verdict("openat", audit=0x40000003) == seccomp.KILL_PROCESS
    if machine == "x86_64":
        assert verdict("openat", above=seccomp.X32_CALLS) == refused


def run(program: list[seccomp.Instruction], data: bytes) -> int:
    """Return the verdict of a filter on a system call, as the kernel would reach it."""
    place, loaded = 0, 0
    while True:
        code, if_true, if_false, value = program[place]
        place += 1
        if code == seccomp.RETURN:
            return value
        if code == seccomp.LOAD:
            loaded = struct.unpack_from("<I", data, value)[0]
            continue
        tests = {
            seccomp.IF_EQUAL: loaded == value,
            seccomp.IF_AT_LEAST: loaded >= value,
            seccomp.IF_ANY_BIT: bool(loaded & value),
        }
        place += if_true if tests[code] else if_false


@needs_landlock
@needs_seccomp
def test_every_wall_of_this_kernel_stands_around_a_query_and_is_reported(inside: Inside) -> None:
    with Sql(inside.lake) as sql:
        standing, _ = sql.standing()
        kept = Path(f"/proc/{sql._confined().child.number}/limits").read_text()
    assert standing.landlock == landlock.version()
    assert standing.system_calls
    assert set(standing.limits) == {"RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_CPU"}
    assert [line.split()[3] for line in kept.splitlines() if line.startswith("Max data size")] == ["3850000000"]
    assert "lacks" not in standing.words()


def test_a_wall_that_is_missing_is_reported(inside: Inside) -> None:
    with Sql(inside.lake, walls=Walls(landlock=0, system_calls=False, limits=False)) as bare:
        words = bare.standing()[0].words()
    assert "lacks Landlock, a filter of system calls (seccomp), a limit of memory, a limit of processor time" in words
    assert "reviewed functions only" in words


def test_the_child_knows_nothing_of_the_environment(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CANDLELAKE_REST_KEY", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "PLANTED", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(name, "planted-secret")
    with Sql(inside.lake) as sql:
        assert sql.sql("SELECT count(*) FROM stocks.prices").item() == 1
        number = sql._confined().child.number
        visible = Path(f"/proc/{number}/environ").read_bytes() + Path(f"/proc/{number}/cmdline").read_bytes()
    assert b"planted" not in visible
    assert b"CANDLELAKE" not in visible
