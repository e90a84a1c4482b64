"""Each promise names the test that shows it: that test is there, and `make faults` runs it."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent


def named(document: str) -> list[str]:
    """Return the tests that a document names; without a folder, one of the tests of faults or of none."""
    names = re.findall(r"`((?:\w+/)*test_\w+\.py)`", (ROOT / "docs" / document).read_text())
    return sorted({f"faults/{name}" if (HERE / "faults" / name).is_file() else name for name in names})


NAMED = [*named("reliability.md"), *named("security.md")]


def test_promises_name_tests():
    assert len(NAMED) > 30


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_a_promise_names_is_there(name: str):
    assert (HERE / name).is_file()


def test_make_faults_runs_each_of_them_but_those_of_the_torture():
    told = re.search(r"^FAULTS := ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert told
    run = set(told[1].replace("\\", "").split())
    left = {name for name in NAMED if not run & {name, name.split("/")[0]}}
    assert {name for name in left if not name.startswith("torture/")} == set()
    assert {name for name in run if not (HERE / name).exists()} == set()
