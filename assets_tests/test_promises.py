"""Each promise names the test that shows it: that test is there, and `make faults` runs it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent


def documented_tests(document: str) -> list[str]:
    """Return the tests that a document names."""
    return names_in((ROOT / "docs" / document).read_text())


def names_in(text: str) -> list[str]:
    """Return the tests that a text names; without a folder, one of the tests of faults or of none."""
    names = re.findall(r"`((?:\w+/)*test_\w+\.py)`", text)
    return sorted({f"faults/{name}" if (HERE / "faults" / name).is_file() else name for name in names})


def promises(document: str) -> list[str]:
    """Return the rows of the tables of a document that name a test."""
    lines = (ROOT / "docs" / document).read_text().splitlines()
    return [line for line in lines if line.startswith("| ") and names_in(line)]


@cache
def has_quick_test(name: str) -> bool:
    """Return whether `make test` runs a test of a file, by its marks as they are written."""
    body = ast.parse((HERE / name).read_text()).body
    if any(ast.unparse(node) == "pytestmark = pytest.mark.thorough" for node in body):
        return False
    tests = [node for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return any(not any("mark.thorough" in ast.unparse(mark) for mark in test.decorator_list) for test in tests)


NAMED = [*documented_tests("reliability.md"), *documented_tests("security.md")]


def test_promises_name_tests():
    assert len(NAMED) > 30


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_a_promise_names_is_there(name: str):
    assert (HERE / name).is_file()


ROWS = [line for name in ("reliability.md", "security.md") for line in promises(name)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_each_promise_is_tried_by_make_test(row: str):
    """Each row has a test that `make test` runs, or names only tests of the torture."""
    tests = names_in(row)
    assert any(has_quick_test(name) for name in tests) or all(name.startswith("torture/") for name in tests)


def test_make_faults_runs_each_of_them_but_those_of_the_torture():
    makefile_list = re.search(r"^FAULTS := ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert makefile_list
    run = set(makefile_list[1].replace("\\", "").split())
    left = {name for name in NAMED if not run & {name, name.split("/")[0]}}
    assert {name for name in left if not name.startswith("torture/")} == set()
    assert {name for name in run if not (HERE / name).exists()} == set()
