"""Every case of the corpus, through the function that cleans a day file: the result is that of the table."""

from functools import cache

import polars as pl
import pytest

from assets_tests.corpus.cases import ACCEPTED, CASES, FILES, GIANTS, REFUSED, Case
from assets_tests.corpus.made import MADE, packed
from assets_tests.corpus.reading import COLUMNS, NotADayFile, read_day
from pipeline import errors
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.quarantine import QUARANTINE, REASONS
from pipeline.errors import FileRefused
from pipeline.sources.massive.cleaned_day import CleanedDay
from pipeline.sources.massive.day_aggs import clean_day_file

BAR = ["ticker", "open", "high", "low", "close", "volume", "transactions"]
SMALL = [case for case in ACCEPTED if case not in GIANTS]


@cache
def cleaned(case: Case, max_bad_share: float = 1.0) -> CleanedDay:
    return clean_day_file(case.delivered(), case.session, case.key, "version", max_bad_share)


def by_name(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def test_every_case_has_one_line_in_the_table_and_one_file():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 60
    assert sorted(names) == sorted([*(path.stem for path in FILES.iterdir()), *MADE])


def test_every_reason_has_its_cases():
    found = {reason for case in CASES for reasons in case.quarantined.values() for reason in reasons}
    assert found == set(REASONS)


def test_the_files_are_small():
    assert max(path.stat().st_size for path in FILES.iterdir()) < 2_000


@by_name(ACCEPTED)
def test_the_rows_of_a_file_taken_in_become_what_the_table_says(case: Case):
    result = cleaned(case)
    assert dict(result.quarantine.select("row_number", "reasons").iter_rows()) == case.quarantined
    assert (result.kept, result.duplicates, result.quarantined) == (
        len(case.kept), len(case.duplicates), len(case.quarantined)
    )  # fmt: skip
    assert result.rows_read == result.kept + result.duplicates + result.quarantined == case.rows


@by_name(ACCEPTED)
def test_the_tables_keep_their_contracts(case: Case):
    result = cleaned(case)
    assert len(DAILY_BARS.enforce(result.bars)) == result.kept
    assert len(QUARANTINE.enforce(result.quarantine)) == result.quarantined
    delivery = pl.lit(case.session).alias("session"), pl.lit(case.key).alias("key"), pl.lit("version").alias("etag")
    assert result.quarantine.equals(result.quarantine.with_columns(delivery))


@by_name(SMALL)
def test_bars_hold_exactly_what_the_kept_rows_say(case: Case):
    reading = read_day(case.content(), case.session)
    assert cleaned(case).bars.select(BAR).rows() == reading.bars
    kept = {reading.delivered[number]["ticker"] for number in case.kept}
    assert kept == {bar[0] for bar in reading.bars}


@by_name(SMALL)
def test_the_quarantine_holds_the_text_as_delivered(case: Case):
    delivered = read_day(case.content(), case.session).delivered
    for row in cleaned(case).quarantine.iter_rows(named=True):
        text = delivered[row["row_number"]]
        cells = {name: row[name] for name in COLUMNS}
        if isinstance(text, dict):
            assert cells == text
        else:
            in_order = [row[name] for name in ("ticker", "volume", "open", "close", "high", "low", "window_start")]
            assert ",".join(cell for cell in [*in_order, row["transactions"]] if cell is not None) == text


@by_name(SMALL)
def test_a_second_reading_in_plain_python_agrees(case: Case):
    reading = read_day(case.content(), case.session)
    assert reading.rejected == case.quarantined
    assert (len(reading.bars), reading.duplicates) == (len(case.kept), len(case.duplicates))


@by_name(REFUSED)
def test_a_refused_file_is_refused_by_its_name_with_the_words_of_the_table(case: Case):
    assert case.refused is not None
    error, words = case.refused
    with pytest.raises(getattr(errors, error)) as refused:
        cleaned(case)
    assert case.key in refused.value.message
    assert words in refused.value.message
    assert len(refused.value.message) < 1_000
    assert refused.value.remedy


@by_name([case for case in REFUSED if case.group in ("header", "lines", "encodings and line ends")])
def test_a_second_reading_refuses_the_same_files(case: Case):
    with pytest.raises(NotADayFile):
        read_day(case.content(), case.session)


@by_name(ACCEPTED)
def test_a_row_is_judged_the_same_beside_a_row_that_cannot_be_read(case: Case):
    alone = cleaned(case)
    with_another = packed(case.content().rstrip(b"\n") + b"\n?\n")
    together = clean_day_file(with_another, case.session, case.key, "version", 1.0)
    assert together.bars.equals(alone.bars)
    assert together.quarantine.head(-1).equals(alone.quarantine)
    assert together.rows_read == alone.rows_read + 1


@by_name(ACCEPTED)
def test_with_the_settings_as_shipped_a_file_is_taken_in_as_before_or_refused_for_its_bad_rows(case: Case):
    if len(case.quarantined) <= 0.2 * case.rows:
        assert cleaned(case, 0.2).bars.equals(cleaned(case).bars)
        return
    with pytest.raises(FileRefused) as refused:
        cleaned(case, 0.2)
    assert f"{len(case.quarantined):,} bad rows of {case.rows:,}" in refused.value.message
