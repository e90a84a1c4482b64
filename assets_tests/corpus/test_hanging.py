"""An example of the fuzzer that hangs fails, and is named."""

import subprocess
import sys
from pathlib import Path

import pytest

from assets_tests.corpus.hanging import Hung, bounded, last_words

DEAF = """
from itertools import repeat
from assets_tests.corpus.hanging import bounded
with bounded("the example of 1e400", seconds=0.2):
    1 in repeat(0)
"""
"""Hangs in C, where no signal is looked for."""


def test_python_that_hangs_fails_with_the_example() -> None:
    def hang() -> None:
        with bounded("the example of 1e400", seconds=0.05):
            while True:
                pass

    with pytest.raises(Hung, match="the example of 1e400"):
        hang()
    assert not last_words().exists()


def test_native_code_that_hangs_ends_the_process_and_leaves_the_example_and_where_it_hung(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 (our own words)
        [sys.executable, "-c", DEAF],
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert done.returncode == 1
    (left,) = tmp_path.iterdir()
    assert left.name.startswith("hung-example-")
    assert "the example of 1e400" in left.read_text()
    assert 'File "<string>", line 5' in left.read_text()


def test_one_that_ends_leaves_nothing_behind() -> None:
    with bounded("quick", seconds=30):
        assert last_words().read_text() == "quick\n"
    assert not last_words().exists()
