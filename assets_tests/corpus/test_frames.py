"""The corpus through the reader for notebooks: refused, or exactly what is written there, cleaned or not."""

import warnings
from pathlib import Path

import pytest

from assets_tests.corpus.cases import CASES, GIANTS, Case
from assets_tests.corpus.reading import COLUMNS, numbers, read_day
from pipeline.errors import FileRefused
from pipeline.sources.massive.frames import ExtraColumns, read_flat_file
from pipeline.sources.port import Dataset

LENIENT = {
    "cr_cr_lf_ticker_last": "Polars drops a carriage return at the end of a line",
    "gzip_trailing_zeros": "Python's gzip takes zeros after the end for padding, as gzip itself does",
    "nul_bytes": "a NUL byte is a character like others here",
}
"""Cases that the table refuses or reads differently, and that this reader takes as they are."""


def read(case: Case, folder: Path) -> list[tuple] | None:
    """Return the rows of a case; None when it is refused."""
    path = folder / "delivered.csv.gz"
    path.write_bytes(case.delivered())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExtraColumns)
            return read_flat_file(path, Dataset.DAY_AGGS).fill_null("").rows()
    except FileRefused:
        return None


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name not in LENIENT and case not in GIANTS], ids=lambda case: case.name
)
def test_a_file_is_refused_or_read_as_it_is_written(case: Case, tmp_path: Path):
    rows = read(case, tmp_path)
    if rows is None:
        return
    assert case.refused is None
    delivered = read_day(case.content(), case.session).delivered
    assert rows == [tuple(numbers(cells)[name] for name in COLUMNS) for cells in delivered.values()]


@pytest.mark.parametrize("case", [case for case in CASES if case.name in LENIENT], ids=lambda case: case.name)
def test_what_this_reader_takes_and_the_table_does_not_is_known(case: Case, tmp_path: Path):
    rows = read(case, tmp_path)
    assert rows is not None
    assert {row[0] for row in rows} <= {"AAPL", "IBM", "MSFT", "A\0B"}
