from pathlib import Path

import pytest

import pipeline
from assets_tests.corpus.cases import CASES, Case
from assets_tests.corpus.page import outcome, page

PAGE = Path(pipeline.__file__).parents[1] / "docs" / "bad-input.md"


def test_the_page_is_what_the_table_says():
    assert PAGE.read_text() == page(), "write it again: python -m assets_tests.corpus.page > docs/bad-input.md"


def test_every_case_has_its_line():
    assert all(f"\n| `{case.name}` | " in page() for case in CASES)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ticker_NA", "all 3 rows kept"),
        ("one_row", "row 1 kept"),
        ("duplicate_loser_repeated", "row 1 kept; row 3 counted as duplicate; rows 2, 4 quarantined: "
         "`conflicting_duplicate`"),
        ("ticker_empty", "rows 1, 5 kept; rows 2–4 quarantined: `missing_ticker`"),
        ("empty_object", "`FileRefused`: … is empty (0 bytes) …"),
    ],
)  # fmt: skip
def test_outcomes_read_as_words(name: str, words: str):
    case: Case = next(case for case in CASES if case.name == name)
    assert outcome(case) == words
