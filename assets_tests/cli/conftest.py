"""One small home, filled once by real commands, for all tests that ask the command line something.

It is filled by the demo over the first sessions of the real sample, then by a range with a gap and planted faults, then
by a file that the vendor replaces.
"""

import gzip
import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

# Partitions are read from the settings at import: before any test of this package names a home of its own.
import pipeline.orchestration.partitions  # noqa: F401
from assets_tests.commands import typed, typed_module
from pipeline.cli import run_command
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(date(2003, 9, 10), date(2004, 9, 15))
"""Enough for the models, which want 253 bars."""
THERE, GAP, REPLACED = (US_STOCKS.calendar.offset(SESSIONS[-1], days) for days in (1, 2, 3))
"""The sessions after the demo's: one with planted faults, one without a file, one whose file is replaced."""

BAD_ROW = "[red]BAD[/red],-5,10,10,11,9,{stamp},1"
ODD_TICKER = "[bold],5,10,10,11,9,{stamp},1"


@dataclass(frozen=True)
class Home:
    """A home that commands have filled, and what those commands answered."""

    path: Path
    sample_rows: int
    """Rows of the files that the demo ran."""
    rows_read: int
    """Rows of all files in force, counted by themselves."""
    demo: subprocess.CompletedProcess[str]
    gap: subprocess.CompletedProcess[str]
    around: subprocess.CompletedProcess[str]
    again: subprocess.CompletedProcess[str]

    def typed(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Return what the command answers in a process of its own."""
        return typed(self.path, *arguments)


def sample_days() -> dict[date, list[str]]:
    """Return the lines of the sample's first day files."""
    packed = files("pipeline.sample").joinpath("real_day_aggs.tar.gz").read_bytes()
    wanted = {f"{session}.csv.gz": session for session in (*SESSIONS, THERE, REPLACED)}
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r|gz") as archive:
        for entry in archive:
            session = wanted.get(entry.name.rsplit("/", 1)[-1])
            content = archive.extractfile(entry) if session else None
            if session and content:
                found[session] = gzip.decompress(content.read()).decode().splitlines()
    return found


def lay(folder: Path, session: date, lines: list[str]) -> int:
    """Lay a day file down in the vendor's layout, and return its number of rows."""
    path = folder / f"us_stocks_sip/day_aggs_v1/{session:%Y/%m}/{session}.csv.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))
    return len(lines) - 1


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return the filled home."""
    days = sample_days()
    path = tmp_path_factory.mktemp("cli") / "home"
    path.mkdir(mode=0o700)
    sample = path / "sample"
    rows = sample_rows = sum(lay(sample, session, days[session]) for session in SESSIONS)
    given = (str(path), str(SESSIONS[0]), str(SESSIONS[-1]), str(len(SESSIONS)))
    demo = typed_module("assets_tests.cli.demo_on_a_cut", *given, cwd=path.parent)
    assert demo.returncode == 0, demo.stderr

    settings = path / "settings.env"
    settings.write_text(settings.read_text().replace(str(SESSIONS[-1]), str(REPLACED)))
    stamp = days[THERE][1].split(",")[6]
    planted = [BAD_ROW.format(stamp=stamp), ODD_TICKER.format(stamp=stamp), days[THERE][1]]
    rows += lay(sample, THERE, [*days[THERE], *planted])
    rows += lay(sample, REPLACED, days[REPLACED])
    span = ("backfill", "--start", str(THERE), "--end", str(REPLACED))
    gap = typed(path, *span)
    around = typed(path, *span, "--skip-missing")

    corrected = [line.replace("IBM,", "IBM,1", 1) for line in days[REPLACED]]
    lay(sample, REPLACED, corrected)
    again = typed(path, "run", "--date", str(REPLACED))
    return Home(path, sample_rows, rows, demo, gap, around, again)


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    data: str
    """What went to stdout."""
    words: str
    """What went to stderr."""


Ask = Callable[..., Answer]


@pytest.fixture
def ask_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[[Path], Ask]:
    """Return a function that gives, for a home, the way to ask a command in this process, on 80 columns."""
    for name in [name for name in os.environ if name.startswith(("CANDLELAKE_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    for name in ("CANDLELAKE_DEBUG", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def of(home: Path) -> Ask:
        def ask(*arguments: str) -> Answer:
            monkeypatch.setenv("CANDLELAKE_HOME", str(home))
            code = run_command(list(arguments))
            captured = capsys.readouterr()
            return Answer(code, captured.out, captured.err)

        return ask

    return of


@pytest.fixture
def ask(home: Home, ask_in: Callable[[Path], Ask]) -> Ask:
    """Return the way to ask the filled home."""
    return ask_in(home.path)
