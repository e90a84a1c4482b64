"""Minute files, written by hand: what a minute is, on either clock, and what becomes of the vendor's known defects."""

from datetime import UTC, date, datetime

import pytest

from assets_tests.vendor_day import HEADER, day_file
from assets_tests.vendor_minutes import minute
from pipeline.contracts.minutes import MINUTE_BARS
from pipeline.contracts.quarantine import EVERY_REASON, MINUTE_QUARANTINE, MINUTE_REASONS, REASONS
from pipeline.errors import FileRefused
from pipeline.sources.massive import day_aggs
from pipeline.sources.massive.cleaned_day import CleanedDay
from pipeline.sources.massive.day_aggs import clean_minute_file

FRI, MON = date(2024, 1, 5), date(2024, 1, 8)
SUMMER = date(2024, 7, 5)
DAY_AFTER_SPRING, DAY_AFTER_AUTUMN = date(2024, 3, 11), date(2024, 11, 4)
ZERO = ",0,0,0,0,0,{},0"


def cleaned(*rows: str, session: date = FRI, max_bad_share: float = 1.0) -> CleanedDay:
    """Return what is made of a file of `rows`, after checking every promise that all files keep."""
    found = clean_minute_file(day_file(*rows), session, "key", "etag", max_bad_share)
    assert found.rows_read == len(rows) == found.kept + found.duplicates + found.quarantined
    assert MINUTE_BARS.enforce(found.bars).height == found.kept
    assert MINUTE_QUARANTINE.enforce(found.quarantine).height == found.quarantined
    return found


def reasons(found: CleanedDay) -> list[list[str]]:
    return found.quarantine["reasons"].to_list()


@pytest.mark.parametrize(
    ("session", "first", "last"),
    [
        (FRI, datetime(2024, 1, 5, 9, tzinfo=UTC), datetime(2024, 1, 6, 0, 59, tzinfo=UTC)),
        (SUMMER, datetime(2024, 7, 5, 8, tzinfo=UTC), datetime(2024, 7, 5, 23, 59, tzinfo=UTC)),
        (DAY_AFTER_SPRING, datetime(2024, 3, 11, 8, tzinfo=UTC), datetime(2024, 3, 11, 23, 59, tzinfo=UTC)),
        (DAY_AFTER_AUTUMN, datetime(2024, 11, 4, 9, tzinfo=UTC), datetime(2024, 11, 5, 0, 59, tzinfo=UTC)),
    ],
)
def test_the_day_runs_from_four_to_eight_in_new_york_on_either_clock(session, first, last):
    found = cleaned(minute(session, "A", "04:00"), minute(session, "A", "19:59"), session=session)
    assert found.bars["minute"].to_list() == [first, last]
    assert found.bars["session"].to_list() == [session, session]


@pytest.mark.parametrize("at", ["03:59", "20:01", "09:30:01", "00:00", "23:59:59"])
def test_what_is_no_minute_of_the_day_is_rejected(at):
    assert reasons(cleaned(minute(FRI, "A", at))) == [["not_a_minute"]]


@pytest.mark.parametrize("at", ["04:00", "20:00"])
def test_the_first_and_the_last_minute_are_accepted(at):
    assert cleaned(minute(FRI, "A", at)).kept == 1


def test_a_minute_of_another_session_is_rejected_for_that_alone():
    assert reasons(cleaned(minute(MON, "A", "09:30"))) == [["wrong_session"]]


def test_rows_of_zeros_without_a_ticker_are_quarantined_and_the_others_stay():
    start = minute(FRI, "A", "09:30").split(",")[6]
    found = cleaned(minute(FRI, "A", "09:30"), ZERO.format(start), ZERO.format(0))
    assert found.kept == 1
    assert reasons(found) == [
        ["missing_ticker", "non_positive_price"],
        ["missing_ticker", "non_positive_price", "wrong_session"],
    ]
    assert found.quarantine["row_number"].to_list() == [2, 3]


def test_a_ticker_has_many_minutes_and_each_only_once():
    first, second = minute(FRI, "A", "09:30"), minute(FRI, "A", "09:31")
    weaker = minute(FRI, "A", "09:31", "11", transactions="1")
    found = cleaned(second, first, first, weaker)
    assert (found.kept, found.duplicates) == (2, 1)
    assert reasons(found) == [["conflicting_duplicate"]]
    assert found.bars["minute"].is_sorted()


def test_tickers_that_differ_in_case_are_two():
    assert cleaned(minute(FRI, "AAp", "09:30"), minute(FRI, "AAP", "09:30")).bars["ticker"].to_list() == ["AAP", "AAp"]


def test_a_file_that_must_be_read_as_text_comes_to_the_same_bars():
    rows = [minute(FRI, ticker, at) for ticker in ("A", "NA") for at in ("09:30", "16:00")]
    plain = cleaned(*rows)
    spoiled = cleaned(*rows, 'B",1')
    assert spoiled.bars.equals(plain.bars)
    assert reasons(spoiled) == [["malformed_row"]]


def test_columns_may_stand_in_another_order():
    header = ",".join(reversed(HEADER.split(",")))
    line = ",".join(reversed(minute(FRI, "A", "09:30", "12").split(",")))
    found = clean_minute_file(day_file(line, header=header), FRI, "key", "etag")
    assert found.bars["close"].to_list() == [12.0]


def test_a_file_with_too_many_bad_rows_is_refused_with_the_reasons():
    with pytest.raises(FileRefused, match=r"1 bad rows of 2 .*not_a_minute 1"):
        cleaned(minute(FRI, "A", "09:30"), minute(FRI, "A", "03:00"), max_bad_share=0.2)


def test_a_file_with_more_lines_than_a_minute_file_holds_is_refused(monkeypatch):
    monkeypatch.setattr(day_aggs, "MINUTE_LINES_LIMIT", 2)
    with pytest.raises(FileRefused, match="has 3 lines, more than the 2"):
        cleaned(minute(FRI, "A", "09:30"), minute(FRI, "A", "09:31"))


def test_reasons_of_minutes_join_those_of_all_bars():
    assert set(EVERY_REASON) == set(REASONS) | set(MINUTE_REASONS)
    assert not set(REASONS) & set(MINUTE_REASONS)
