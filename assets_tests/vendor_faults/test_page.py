from pathlib import Path

import pipeline
from assets_tests.vendor_faults.cases import SOURCES
from assets_tests.vendor_faults.page import page

PAGE = Path(pipeline.__file__).parents[1] / "docs" / "vendor-faults.md"


def test_the_page_is_what_the_table_says():
    assert PAGE.read_text() == page(), (
        "write it again: python -m assets_tests.vendor_faults.page > docs/vendor-faults.md"
    )


def test_every_case_of_a_source_has_a_name_of_its_own():
    for cases in SOURCES.values():
        assert len({case.name for case in cases}) == len(cases)
