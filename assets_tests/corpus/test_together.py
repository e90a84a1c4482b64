"""Files cleaned in one go become what each becomes by itself: every case of the corpus, and files spoilt at random."""

from dataclasses import fields
from datetime import date

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from assets_tests.corpus import mutations
from assets_tests.corpus.cases import ACCEPTED, GIANTS, REFUSED, Case
from assets_tests.corpus.hanging import each_bounded
from assets_tests.corpus.made import packed
from assets_tests.corpus.mutations import Edit, applied
from assets_tests.corpus.test_fuzz import SEED, examples, files, print_the_seed  # noqa: F401 (used by every test)
from assets_tests.vendor_day import day_file, row
from pipeline.errors import FileRefused
from pipeline.sources import days_together
from pipeline.sources.cleaned_day import CleanedDay, Delivery
from pipeline.sources.day_aggs import clean_day_file
from pipeline.sources.days_together import clean_day_files

BEFORE, AFTER = date(2024, 1, 5), date(2024, 3, 11)


def delivery(case: Case) -> Delivery:
    return Delivery(case.delivered(), case.session, case.key, "version")


def plain(session: date, *tickers: str) -> Delivery:
    return Delivery(day_file(*(row(session, ticker) for ticker in tickers)), session, f"file of {session}", "version")


def alone(file: Delivery) -> CleanedDay:
    return clean_day_file(file.data, file.session, file.key, file.etag, 1.0)


def require_same(together: list[CleanedDay], files: list[Delivery]) -> None:
    for one, file in zip(together, files, strict=True):
        other = alone(file)
        assert one.bars.equals(other.bars), file.key
        assert one.bars.schema == other.bars.schema
        assert one.quarantine.equals(other.quarantine), file.key
        counts = [field.name for field in fields(CleanedDay) if field.name not in {"bars", "quarantine"}]
        assert [getattr(one, name) for name in counts] == [getattr(other, name) for name in counts]


@pytest.mark.parametrize("case", [case for case in ACCEPTED if case not in GIANTS], ids=lambda case: case.name)
def test_a_case_between_plain_files_becomes_what_it_becomes_alone(case: Case):
    group = [plain(BEFORE, "AAP", "AAp", "NA"), delivery(case), plain(AFTER, "AAP", "TRUE")]
    require_same(clean_day_files(group, 1.0), group)


def test_all_of_them_in_one_go_become_what_they_become_alone():
    group = [delivery(case) for case in ACCEPTED if case not in GIANTS]
    require_same(clean_day_files(group, 1.0), group)


@pytest.mark.parametrize("case", [case for case in REFUSED if case not in GIANTS], ids=lambda case: case.name)
def test_a_file_that_is_refused_is_named_whatever_it_comes_with(case: Case):
    with pytest.raises(FileRefused) as by_itself:
        alone(delivery(case))
    with pytest.raises(FileRefused) as refused:
        clean_day_files([plain(BEFORE, "A"), delivery(case), plain(AFTER, "A")], 1.0)
    assert str(refused.value) == str(by_itself.value)


def test_plain_files_without_fault_are_not_cleaned_one_by_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(days_together, "clean_day_text", None)
    group = [plain(BEFORE, "AAP", "AAp", "NA"), plain(AFTER, "1E5", "INF"), plain(BEFORE, "TRUE")]
    require_same(clean_day_files(group), group)


def test_a_file_of_another_session_is_found_out_among_others():
    strange = Delivery(plain(AFTER, "A", "B").data, BEFORE, "strange", "version")
    group = [plain(BEFORE, "A"), strange, plain(AFTER, "A")]
    together = clean_day_files(group, 1.0)
    assert [one.quarantined for one in together] == [0, 2, 0]
    require_same(together, group)


def test_lines_that_make_up_for_each_other_s_cells_are_not_taken_for_plain():
    good = row(BEFORE, "C")
    ragged = Delivery(day_file(f"{row(BEFORE, 'A')},7", row(BEFORE, "B").rpartition(",")[0], good), BEFORE, "r", "v")
    group = [plain(BEFORE, "A", "B"), ragged, plain(AFTER, "A")]
    together = clean_day_files(group, 1.0)
    assert together[1].quarantine["reasons"].to_list() == [["malformed_row"], ["malformed_row"]]
    require_same(together, group)


SPOILT = st.tuples(st.integers(0, 100), st.lists(mutations.TEXT_EDITS, max_size=2))


@pytest.mark.thorough
@seed(SEED)
@given(st.lists(SPOILT, min_size=2, max_size=5))
@examples(100)
@each_bounded
def test_files_spoilt_at_random_become_together_what_they_become_alone(spoilt: list[tuple[int, list[Edit]]]):
    group = []
    for which, edits in spoilt:
        session, text = files()[which % len(files())]
        file = Delivery(packed(applied(edits, text)), session, f"file {len(group)}", "version")
        try:
            alone(file)
        except FileRefused:
            continue
        group.append(file)
    require_same(clean_day_files(group, 1.0), group)
