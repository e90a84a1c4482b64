import gzip
import math
import re
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from assets_tests.examples import examples
from assets_tests.sources.massive.test_day_aggs import HEADER, KEY, REAL, ROW, SESSION, day, file, row_with
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.errors import CandlelakeError
from pipeline.sources.massive.day_aggs import clean_day_file, parse

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE | re.ASCII)


def read_number(cell: str) -> float | None:
    """Return what a cell means as a finite number, read by Python."""
    number = float(cell) if NUMBER.fullmatch(cell.strip()) else math.nan
    return number if math.isfinite(number) else None


@given(
    st.from_regex(r"[ \t]?[+-]?[0-9]{0,4}\.?[0-9]{0,7}([eE][+-]?[0-9]{1,3})?[ \t]?", fullmatch=True)
    | st.text("0123456789.eE+-_ naif\t", max_size=12)
    | st.floats().map(repr)
)
@examples(150)
def test_a_cell_means_the_same_in_a_clean_file_and_beside_a_broken_row(cell):
    line = row_with(volume=cell)
    alone = parse(file(line).encode(), "f").rows["volume"][0]
    beside = parse(file(line, "?").encode(), "f").rows["volume"][0]
    finite = [number if number is not None and math.isfinite(number) else None for number in (alone, beside)]
    assert finite == [read_number(cell)] * 2


CELL = st.sampled_from(["1", "2.5", "0", "-1", "", "x", "nan", "9007199254740993", " 7", '"3"', '"', "1,1"])
LINE = (
    st.builds(
        lambda ticker, volume, trades: row_with(ticker=ticker, volume=volume, transactions=trades),
        st.sampled_from(["NA", "TRUE", "AAp", "AAP", "", " A", '"Q"', "Ü"]),
        CELL,
        CELL,
    )
    | st.sampled_from([ROW, ROW, "", ",", "a,b", HEADER, ROW + ",", '"', "\r", "é\u2028,\x0b"])
    | st.text(st.characters(exclude_characters="\n\0", codec="utf-8"), max_size=30)
)


@given(st.lists(LINE, max_size=12), st.sampled_from(["\n", "\r\n"]))
@examples(100)
def test_no_line_is_ever_lost(lines, line_end):
    result = day(line_end.join([HEADER, ROW, *lines, ROW]))
    assert result.rows_read == len(lines) + 2
    assert result.rows_read == result.kept + result.duplicates + result.quarantined
    assert len(result.bars) == result.kept
    assert len(result.quarantine) == result.quarantined


@given(st.lists(LINE, min_size=1, max_size=8))
@examples(100)
def test_the_first_cell_of_a_rejected_line_is_found_again_in_the_quarantine(lines):
    result = day(file(ROW, *lines, ROW))
    for number, ticker in result.quarantine.select("row_number", "ticker").iter_rows():
        line = [ROW, *lines, ROW][number - 1]
        assert line.startswith((ticker, '"' + ticker.replace('"', '""')))


def assert_refused_or_sound(packed: bytes) -> None:
    with suppress(CandlelakeError):
        result = clean_day_file(packed, SESSION, KEY, "e", 1.0)
        assert result.rows_read == result.kept + result.duplicates + result.quarantined
        assert len(DAILY_BARS.enforce(result.bars)) == result.kept
        assert len(QUARANTINE.enforce(result.quarantine)) == result.quarantined


EDIT = st.tuples(st.integers(0, len(REAL)), st.integers(0, 6), st.binary(max_size=4) | st.sampled_from(
    [b"\n", b",", b'"', b"\r", b"\0", b"-", b"e9", b"\n\n", b",,", b'""', b" ", b"1" * 30, REAL.encode()]
))  # fmt: skip


@given(st.lists(EDIT, min_size=1, max_size=5))
@examples(150)
def test_any_damage_to_the_text_is_refused_or_quarantined(edits):
    data = REAL.encode()
    for at, cut, inserted in edits:
        data = data[:at] + inserted + data[at + cut :]
    assert_refused_or_sound(gzip.compress(data))


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 400))
@examples(100)
def test_any_damage_to_the_packed_file_is_refused_or_quarantined(bytes_changed, length):
    data = bytearray(gzip.compress(REAL.encode()))
    for at, value in bytes_changed:
        data[at % len(data)] = value
    assert_refused_or_sound(bytes(data))
    assert_refused_or_sound(bytes(data[:length]))
