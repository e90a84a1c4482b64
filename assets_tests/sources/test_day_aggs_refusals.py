import pytest

from assets_tests.sources.massive.test_day_aggs import HEADER, KEY, REAL, ROW, SESSION, counts, day, file, row_with
from pipeline.errors import FileRefused
from pipeline.sources.massive.aggregates_text import COLUMNS_LIMIT
from pipeline.sources.massive.day_aggs import DAY_LINES_LIMIT, clean_day_file


def refusal(content: str | bytes, max_bad_share: float = 0.2) -> str:
    with pytest.raises(FileRefused) as refused:
        day(content, max_bad_share)
    assert KEY in refused.value.message
    assert refused.value.remedy
    return refused.value.message


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (HEADER.replace("close,", ""), "lacks close"),
        (HEADER.replace("close", "Close"), "lacks close"),
        (HEADER.upper(), "lacks ticker, volume"),
        (HEADER.replace(",", ";"), "lacks ticker, volume"),
        (HEADER.replace(",low", ", low"), "lacks low"),
        (HEADER + ",low", "repeats low"),
        ("T,v,o,c,h,l,t,n", "lacks ticker"),
        ('"' + HEADER, "lacks ticker"),
    ],
)
def test_a_wrong_header_is_refused_by_name(header, fault):
    message = refusal(file(ROW, header=header))
    assert fault in message
    assert HEADER in message


def test_more_columns_than_a_file_may_have_are_refused_before_they_are_read():
    many = [f"x{number}" for number in range(COLUMNS_LIMIT - 8)]
    assert day(file(ROW + ",1" * len(many), header=",".join([HEADER, *many]))).extra_columns == tuple(many)
    assert "65 columns, more than the 64" in refusal(file(ROW, header=",".join([HEADER, *many, "x"])))
    assert "10,000,008 columns" in refusal(file(ROW, header=HEADER + "," * 10_000_000))


def test_more_lines_than_a_file_may_have_are_refused_before_they_are_read():
    blank = "\n" * (DAY_LINES_LIMIT - 2)
    assert day(file(ROW) + blank).kept == 1
    assert f"{DAY_LINES_LIMIT + 1:,} lines, more than the {DAY_LINES_LIMIT:,}" in refusal(file(ROW) + blank + "\n")


def test_a_file_without_its_header_is_refused():
    assert "wrong header" in refusal(ROW + "\n" + ROW)


@pytest.mark.parametrize("content", [HEADER, HEADER + "\n", HEADER + "\r\n\r\n"])
def test_a_header_without_rows_is_refused(content):
    assert "has a header but no row, and 2006-03-24 is a session" in refusal(content)


@pytest.mark.parametrize("content", ["\n", " \n\n"])
def test_a_file_of_blank_lines_is_refused_as_empty(content):
    assert "is empty" in refusal(content)


def test_a_page_in_gzip_is_refused_as_a_page():
    assert "looks like an HTML page" in refusal("<!DOCTYPE html>\n<html><body>Sign in</body></html>")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_another_unicode_encoding_is_refused(encoding):
    assert "not UTF-8" in refusal(REAL.encode(encoding))


def test_text_that_is_not_utf8_is_refused_with_its_place():
    content = file(row_with(ticker="A")).encode() + b"\xff,1\n"
    assert f"byte {len(content) - 4:,}" in refusal(content)


def test_old_macintosh_line_ends_are_refused():
    assert "wrong header" in refusal(REAL.replace("\n", "\r"))


def test_bytes_that_are_not_gzip_are_refused():
    with pytest.raises(FileRefused, match="not a gzip file"):
        clean_day_file(REAL.encode(), SESSION, KEY, "e")


def test_too_many_bad_rows_refuse_the_file_with_the_reasons_counted():
    rows = [row_with(ticker=f"T{number}") for number in range(7)]
    bad = [row_with(ticker=""), row_with(ticker="", low="-1"), row_with(ticker="B", transactions="-1")]
    message = refusal(file(*rows, *bad), max_bad_share=0.29)
    assert "3 bad rows of 10 (30.0%)" in message
    assert "29.0% allowed: missing_ticker 2, non_positive_price 1, negative_transactions 1." in message
    assert counts(day(file(*rows, *bad), max_bad_share=0.3)) == (10, 7, 0, 3)
