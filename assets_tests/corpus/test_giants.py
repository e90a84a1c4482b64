"""Files that are small in the bucket and huge in memory: refused before they are unpacked, always in little memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline
from assets_tests.corpus.cases import CASES, GIANTS
from assets_tests.examples import first_quick
from pipeline.sources.massive.day_aggs import DAY_FILE_LIMIT

STATUS = Path("/proc/self/status")
READERS = ("clean_day_file", "read_flat_file")
USUAL = "one_row"
"""The case that is read first, so that what the libraries take for themselves is not counted."""

MEASURE = """
import json, sys
from datetime import date
from pathlib import Path
from pipeline.errors import FileRefused
from pipeline.sources.massive.day_aggs import clean_day_file
from pipeline.sources.port import Dataset
from pipeline.sources.massive.frames import read_flat_file

def peak():
    return next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmHWM"))

def is_refused(path):
    try:
        if sys.argv[1] == "clean_day_file":
            clean_day_file(path.read_bytes(), date(2006, 3, 24), path.stem, "version", 1.0)
        else:
            read_flat_file(path, Dataset.DAY_AGGS)
    except FileRefused:
        return True
    return False

def measured(path):
    before = peak()
    return is_refused(path), peak() - before

usual, *giants = map(Path, sys.argv[2:])
measured(usual)
print(json.dumps({path.stem: measured(path) for path in giants}))
"""
"""Prints of each file whether it was refused, and by how much it raised the peak of this process's memory."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("giants")
    delivered = {case.name: case.delivered() for case in CASES if case.name == USUAL or case in GIANTS}
    for name, data in delivered.items():
        (folder / f"{name}.gz").write_bytes(data)
    return [folder / f"{name}.gz" for name in [USUAL, *(case.name for case in GIANTS)]]


@pytest.mark.thorough
@pytest.mark.skipif(not STATUS.exists(), reason="a process's peak of memory is read from Linux's /proc")
@pytest.mark.parametrize("reader", first_quick(READERS))
def test_no_giant_takes_more_memory_than_a_few_copies_of_the_largest_accepted_file(files: list[Path], reader: str):
    command = [sys.executable, "-c", MEASURE, reader, *map(str, files)]
    root = Path(pipeline.__file__).parents[1]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True)  # noqa: S603 (our own words)
    measured = json.loads(done.stdout)
    let_in = {name for name, (is_refused, _) in measured.items() if not is_refused}
    assert let_in == ({case.name for case in GIANTS if not case.refused} if reader == "clean_day_file" else set())
    assert set(measured) == {case.name for case in GIANTS}
    assert sum(growth for _, growth in measured.values()) < 4 * DAY_FILE_LIMIT, measured
