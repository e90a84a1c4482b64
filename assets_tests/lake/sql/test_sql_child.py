"""The process that answers queries: interrupted, killed, broken down, taken over, and what is left of it each time."""

import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assets_tests.examples import first_quick
from assets_tests.lake.conftest import JAN_2, PRICES, prices
from pipeline.errors import QueryError
from pipeline.lake.lake import Lake
from pipeline.lake.sql import Sql
from pipeline.lake.sql.sandbox import frames, process
from pipeline.lake.sql.sandbox.spill import LOCK, UNLOCKED_FOR, Spill, sweep
from pipeline.lake.sql.sandbox.terms import Limits

LONG = {
    "a product of ranges": "SELECT count(*) FROM range(10000000) a, range(10000000) b",
    "one call of a function": "SELECT damerau_levenshtein(repeat('ab', 20000), repeat('ba', 20000))",
    "a recursion": "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n FROM t) SELECT count(*) FROM t",
    "a regular expression": "SELECT regexp_replace(repeat('a', 30000000), '(a*)*b', '', 'g')",
}
PATIENCE = 30
"""Seconds after which something hangs; a loaded machine needs some of them."""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of this test's own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


@pytest.fixture
def filled(lake: Lake) -> Lake:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
    return lake


@pytest.fixture
def sql(filled: Lake) -> Iterator[Sql]:
    with Sql(filled) as connected:
        connected.standing()
        yield connected


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False


def is_gone(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def answers(sql: Sql) -> bool:
    return sql.sql("SELECT count(*) FROM stocks.prices").item() == 1


@pytest.mark.parametrize("what", first_quick(["one call of a function", "a recursion"]))
def test_in_a_notebook_ctrl_c_ends_the_query_and_the_next_is_answered(sql: Sql, temporary: Path, what: str) -> None:
    number = sql._confined().child.number
    stop = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    stop.start()
    with pytest.raises(KeyboardInterrupt):
        sql.sql(LONG[what])
    assert is_gone(number)
    assert list(temporary.iterdir()) == []
    assert answers(sql)


COMMAND = [sys.executable, "-m", "pipeline.cli"]


@pytest.fixture
def command(filled: Lake, temporary: Path, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(query: str) -> subprocess.Popen[str]:
        environment = os.environ | {"CANDLELAKE_HOME": str(tmp_path), "CANDLELAKE_LAKE": filled.root}
        running = subprocess.Popen(  # noqa: S603 (our own words)
            [*COMMAND, "sql", query],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=tmp_path,
        )
        started.append(running)
        return running

    yield start
    for running in started:
        running.kill()
        running.communicate()


def child_of(running: subprocess.Popen[str]) -> int:
    """Return the process that answers, as soon as it computes."""
    found: list[int] = []

    def computes() -> bool:
        assert running.poll() is None, running.communicate()
        for task in Path(f"/proc/{running.pid}/task").iterdir():
            found[:] = [int(number) for number in (task / "children").read_text().split()]
            if found and Path(f"/proc/{found[0]}/task").exists():
                return len(list(Path(f"/proc/{found[0]}/task").iterdir())) > 5 and _seconds(found[0]) > 0.8
        return False

    assert eventually(computes)
    return found[0]


def _seconds(number: int) -> float:
    words = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(("what", "sent", "code"), first_quick([
    ("one call of a function", signal.SIGINT, 130),
    ("a product of ranges", signal.SIGINT, 130),
    ("one call of a function", signal.SIGTERM, 143),
]))  # fmt: skip
def test_a_command_that_is_told_to_stop_does_and_leaves_nothing(
    command: Callable[[str], subprocess.Popen[str]], temporary: Path, what: str, sent: signal.Signals, code: int
) -> None:
    running = command(LONG[what])
    child = child_of(running)
    running.send_signal(sent)
    out, errors = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out) == (code, "")
    assert errors == ("error: Interrupted.\n" if sent is signal.SIGINT else "")
    assert is_gone(child)
    assert list(temporary.iterdir()) == []


@pytest.mark.thorough
def test_a_command_that_is_killed_takes_its_child_with_it_and_the_next_one_clears_up(
    command: Callable[[str], subprocess.Popen[str]], temporary: Path, sql: Sql
) -> None:
    running = command(LONG["one call of a function"])
    child = child_of(running)
    mine = sql._running.spill.folder.parent  # type: ignore[union-attr]
    left = [folder for folder in temporary.iterdir() if folder != mine]
    assert len(left) == 1
    running.kill()
    running.communicate()
    assert eventually(lambda: is_gone(child))
    assert left[0].exists()
    assert sweep() == [left[0].name]
    assert list(temporary.iterdir()) == [mine]
    assert answers(sql)


def test_only_folders_of_ours_whose_owner_has_ended_are_removed(temporary: Path) -> None:
    owned = Spill()
    other, young, old, linked = (temporary / name for name in ("other", "candlelake-sql-1", "candlelake-sql-2", "away"))
    for folder in (other, young, old, linked):
        folder.mkdir()
    (other / LOCK).touch()
    (temporary / "candlelake-sql-link").symlink_to(linked)
    (linked / LOCK).touch()
    before = time.time() - UNLOCKED_FOR - 60
    os.utime(old, (before, before))
    assert sweep() == ["candlelake-sql-2"]
    assert owned.folder.exists()
    assert {other.exists(), young.exists(), linked.exists()} == {True}
    owned.remove()


@pytest.mark.thorough
def test_a_child_that_ended_between_two_queries_is_replaced(sql: Sql) -> None:
    child = sql._confined().child
    number = child.number
    os.kill(number, signal.SIGKILL)
    # Its first thread is gone before the others are, and the process only with the last.
    assert eventually(lambda: not child.is_alive)
    assert answers(sql)
    assert sql._confined().child.number != number


@pytest.mark.parametrize(
    ("how", "message"),
    first_quick(
        [
            (signal.SIGKILL, "The system killed the process"),
            (signal.SIGSEGV, r"crashed on the query \(SIGSEGV\)"),
            (signal.SIGABRT, "memory ran out"),
            (signal.SIGTERM, "ended unexpectedly"),
        ]
    ),
)
def test_a_child_that_ends_in_a_query_is_an_error_that_says_how(
    sql: Sql, temporary: Path, how: signal.Signals, message: str
) -> None:
    number = sql._confined().child.number
    threading.Timer(0.2, lambda: os.kill(number, how)).start()
    with pytest.raises(QueryError, match=message) as broken:
        sql.sql(LONG["a product of ranges"])
    assert broken.value.remedy
    assert list(temporary.iterdir()) == []
    assert answers(sql)


@pytest.mark.thorough
def test_a_query_that_takes_too_much_processor_time_is_ended(filled: Lake) -> None:
    with Sql(filled, limits=Limits(processor_seconds=1)) as sql:
        assert answers(sql)
        with pytest.raises(QueryError, match="more than 1 seconds of processor time"):
            sql.sql(LONG["one call of a function"])
        assert answers(sql)


@pytest.mark.thorough
def test_processor_time_is_counted_for_each_query(filled: Lake) -> None:
    with Sql(filled, limits=Limits(processor_seconds=2)) as sql:
        number = sql._confined().child.number
        while _seconds(number) < 3.5:
            sql.sql("SELECT max(hash(range)) FROM range(20000000)")
        assert sql._confined().child.number == number


HOSTILE = {
    "nothing": b"",
    "noise": b"\x80\x04\x95" * 100,
    "a pickle": frames.HEADER.pack(frames.Kind.READY, 20) + b"cos\nsystem\n(S'x'\ntR.",
    "JSON of another kind": frames.HEADER.pack(frames.Kind.READY, 2) + b"[]",
    "deep JSON": frames.HEADER.pack(frames.Kind.READY, 100_000) + b"[" * 100_000,
    "a frame without end": frames.HEADER.pack(frames.Kind.ROWS, 1 << 62),
    "much JSON": frames.HEADER.pack(frames.Kind.READY, 1 << 40),
    "half a frame": struct.pack(">B", frames.Kind.READY),
    "an answer before it is ready": frames.HEADER.pack(frames.Kind.ROWS, 1) + b"x",
    "rows that are none": frames.HEADER.pack(frames.Kind.READY, 7)
    + b'{"a":1}'
    + frames.HEADER.pack(frames.Kind.ROWS, 9)
    + b"no arrow!"
    + frames.HEADER.pack(frames.Kind.DONE, 2)
    + b"{}",
    "no rows at all": frames.HEADER.pack(frames.Kind.READY, 7)
    + b'{"a":1}'
    + frames.HEADER.pack(frames.Kind.DONE, 2)
    + b"{}",
    "an error of no type of ours": frames.HEADER.pack(frames.Kind.FAILED, 40)
    + b'{"type":"SystemExit","message":"\\u001b[2J"}',
    "an error that is none": frames.HEADER.pack(frames.Kind.FAILED, 19) + b'{"type": {"a": []}}',
}


@pytest.mark.parametrize("what", first_quick(HOSTILE, quick=2))
def test_a_child_that_was_taken_over_can_only_make_the_query_fail(
    filled: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    (tmp_path / "sent").write_bytes(HOSTILE[what])
    (tmp_path / "start.py").write_text(
        "import os, sys, pathlib\n"
        f"os.write(1, pathlib.Path({str(tmp_path / 'sent')!r}).read_bytes())\n"
        "sys.stdin.buffer.read(10)\n"
    )
    monkeypatch.setattr(process, "START", tmp_path / "start.py")
    with Sql(filled) as sql, pytest.raises(QueryError) as failed:
        sql.sql("SELECT 1")
    assert len(str(failed.value)) < 5_000


@pytest.mark.thorough
def test_an_answer_that_never_ends_is_cut_off(filled: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ready = frames.HEADER.pack(frames.Kind.READY, 7) + b'{"a":1}'
    header = frames.HEADER.pack(frames.Kind.ROWS, 1 << 20)
    (tmp_path / "start.py").write_text(
        f"import os\nos.write(1, {ready!r})\nwhile True:\n    os.write(1, {header!r} + bytes(1 << 20))\n"
    )
    monkeypatch.setattr(process, "START", tmp_path / "start.py")
    taken = 0
    with Sql(filled, limits=Limits(answer=10 << 20)) as sql, pytest.raises(QueryError, match="other than an answer"):  # noqa: PT012
        for piece in sql._confined().child.answers("SELECT 1"):
            taken += len(piece)
    assert taken <= 12 << 20
