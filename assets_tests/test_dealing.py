"""Tests that share something costly are dealt to one worker, others apart, and the longest first."""

from pathlib import Path

import pytest

from assets_tests.dealing import LONGEST, TOGETHER, scope_of, turn


def test_a_file_is_dealt_whole():
    assert scope_of("assets_tests/lake/sql/test_sql.py::test_a[NA-1]") == scope_of(
        "assets_tests/lake/sql/test_sql.py::test_b"
    )


def test_a_lake_in_a_folder_and_one_on_s3_are_dealt_apart_wherever_the_parameter_stands():
    for one, other in (("[folder]", "[s3]"), ("[folder-2]", "[s3-2]"), ("[a-folder]", "[a-s3]")):
        assert scope_of(f"a.py::test{one}") != scope_of(f"a.py::test{other}")
    assert scope_of("a.py::test_of_a_folder[2]") == "a.py"


@pytest.mark.parametrize("folder", TOGETHER)
def test_all_tests_that_use_one_home_stay_together_unless_their_lake_is_on_s3(folder):
    assert scope_of(f"{folder}test_a.py::test_a") == scope_of(f"{folder}test_b.py::test_b[folder-2]") == folder
    assert scope_of(f"{folder}test_b.py::test_b[s3-2]") == f"{folder}test_b.py [s3]"


def test_the_longest_have_the_first_turns_and_all_others_the_last():
    turns = [turn(f"{scope.partition(' ')[0]}::test{scope.partition(' ')[2]}") for scope in LONGEST]
    assert turns == list(range(len(LONGEST)))
    assert turn("assets_tests/test_dealing.py::test_any") == len(LONGEST)


def test_a_long_file_that_is_dealt_by_lake_has_its_turn_with_either():
    assert turn("assets_tests/test_secrets.py::test_a[s3]") == LONGEST.index("assets_tests/test_secrets.py")


def test_the_longest_are_there():
    root = Path(__file__).parents[1]
    assert [scope for scope in LONGEST if not (root / scope.partition(" ")[0]).exists()] == []
    assert len(set(LONGEST)) == len(LONGEST)
