import gzip
import re
from datetime import date

import polars as pl
import pytest

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.delivered import TYPES as SCHEMA
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.sources.massive.day_aggs import CleanedDay, clean_day_file, parse

KEY = "us_stocks_sip/day_aggs_v1/2006/03/2006-03-24.csv.gz"
SESSION = date(2006, 3, 24)
HEADER = "ticker,volume,open,close,high,low,window_start,transactions"
START = "1143176400000000000"
REAL = f"""{HEADER}
AAPL,38285000,60.27,59.96,60.94,59.03,{START},212695
GOOG,30330800,368.52,365.8,370.09,362.51,{START},168505
IBM,4198800,83.1,83.36,83.72,82.99,{START},23327
MSFT,69157600,26.72,27.01,27.21,26.62,{START},384209
"""
ROW = f"IBM,4198800,83.1,83.36,83.72,82.99,{START},23327"


def day(content: str | bytes, max_bad_share: float = 1.0) -> CleanedDay:
    data = content.encode() if isinstance(content, str) else content
    return clean_day_file(gzip.compress(data), SESSION, KEY, "etag-1", max_bad_share)


def file(*lines: str, header: str = HEADER) -> str:
    return "\n".join([header, *lines]) + "\n"


def counts(result: CleanedDay) -> tuple[int, int, int, int]:
    return result.rows_read, result.kept, result.duplicates, result.quarantined


def row_with(**cells: str) -> str:
    return ",".join({**dict(zip(HEADER.split(","), ROW.split(","), strict=True)), **cells}.values())


def quarantined(*lines: str) -> list[tuple[int, list[str]]]:
    return day(file(*lines)).quarantine.select("row_number", "reasons").rows()


def test_a_real_file_becomes_the_bars_of_its_session():
    result = day(REAL)
    assert counts(result) == (4, 4, 0, 0)
    assert dict(result.bars.schema) == DAILY_BARS.columns
    assert DAILY_BARS.enforce(result.bars).row(0, named=True) == {
        "ticker": "AAPL",
        "session": SESSION,
        "open": 60.27,
        "high": 60.94,
        "low": 59.03,
        "close": 59.96,
        "volume": 38285000.0,
        "transactions": 212695,
    }
    assert result.quarantine.equals(QUARANTINE.empty())
    assert result.extra_columns == ()


def test_both_number_formats_give_the_same_bars():
    six_decimals = re.sub(
        r"^(\w+),([\d.]+),([\d.]+),([\d.]+),([\d.]+),([\d.]+)",
        lambda m: ",".join([m[1], *(f"{float(number):.6f}" for number in m.groups()[1:])]),
        REAL,
        flags=re.MULTILINE,
    )
    assert "AAPL,38285000.000000,60.270000," in six_decimals
    assert day(six_decimals).bars.equals(day(REAL).bars)


@pytest.mark.parametrize(
    ("text", "volume"), [("2036584.149027", 2036584.149027), ("2.036584e+06", 2036584.0), ("0", 0.0), ("1E5", 1e5)]
)
def test_a_volume_may_be_fractional_or_scientific(text, volume):
    assert day(file(row_with(volume=text))).bars["volume"].to_list() == [volume]


@pytest.mark.parametrize("volume", ["9007199254740992", "9007199254740993", "1e16"])
def test_a_volume_beyond_what_a_float_holds_is_quarantined_not_rounded(volume):
    result = day(file(row_with(volume=volume)))
    assert result.quarantine.select("reasons", "volume").rows() == [(["volume_too_large"], volume)]


def test_the_largest_exact_volume_is_kept():
    assert day(file(row_with(volume="9007199254740991"))).bars["volume"].to_list() == [9007199254740991.0]


ODD_TICKERS = ["NA", "NAN", "nan", "NULL", "null", "None", "TRUE", "true", "1E5", "INF", "0001", "AAP", "AAp", "BRK.A",
               "KIMpL", "A.WS", "#A", "A B", "ÜÖ", "日本", "A'B", "-", "1.0", "2024-01-05"]  # fmt: skip


@pytest.mark.parametrize("other", [[], ["X,not a number,1,1,1,1,1,1"]], ids=["typed", "text"])
def test_odd_tickers_survive_exactly(other):
    bars = day(file(*(row_with(ticker=ticker) for ticker in ODD_TICKERS), *other)).bars
    assert bars["ticker"].to_list() == sorted(ODD_TICKERS, key=str.encode)


@pytest.mark.parametrize(
    ("cell", "ticker"), [('"NA"', "NA"), ('"A,B"', "A,B"), ('"say ""A"""', 'say "A"'), ('A"B"', 'A"B"'), ("'A'", "'A'")]
)
def test_a_quoted_ticker_is_read_without_its_quotes(cell, ticker):
    result = day(file(ROW, row_with(ticker=cell)))
    assert counts(result) == (2, 2, 0, 0)
    assert ticker in result.bars["ticker"].to_list()


def test_quotes_around_everything_change_nothing():
    assert day(re.sub(r"[^,\n]+", r'"\g<0>"', REAL)).bars.equals(day(REAL).bars)


def test_a_quote_that_does_not_close_spoils_its_own_line_only():
    broken = row_with(ticker='"AAPL')
    result = day(file(broken, row_with(ticker="B"), row_with(ticker='"C"')))
    assert result.bars["ticker"].to_list() == ["B", "C"]
    assert result.quarantine.select("row_number", "reasons", "ticker").rows() == [(1, ["malformed_row"], '"AAPL')]


@pytest.mark.parametrize(
    "line",
    [
        row_with(transactions='"23327'),
        row_with(ticker='"IBM"x'),
        row_with(ticker='"IBM"') + ",1",
        row_with(ticker='"IBM"').rsplit(",", 1)[0],
        row_with(ticker='"I,B,M'),
        row_with(ticker='IBM"'),
    ],
)
def test_a_line_whose_quotes_or_fields_do_not_fit_is_quarantined_whole(line):
    result = day(file(row_with(ticker="A"), line))
    assert result.quarantine.select("row_number", "reasons").rows() == [(2, ["malformed_row"])]
    assert ",".join(cell for cell in result.quarantine.row(0)[5:] if cell is not None) == line


@pytest.mark.parametrize("ticker", [" IBM", "IBM ", "\tIBM", "IBM\u00a0", '" IBM"'])
def test_a_ticker_with_white_space_around_it_is_quarantined(ticker):
    assert quarantined(row_with(ticker=ticker)) == [(1, ["malformed_ticker"])]


@pytest.mark.parametrize("ticker", ["", "  ", '""'])
def test_a_row_without_ticker_is_quarantined(ticker):
    assert quarantined(row_with(ticker=ticker)) == [(1, ["missing_ticker"])]


@pytest.mark.parametrize("cell", ["", "abc", "nan", "NaN", "inf", "-inf", "1e400", "1_000", "0x10", "TRUE", "--1"])
@pytest.mark.parametrize("column", ["volume", "open", "transactions"])
def test_one_unreadable_cell_quarantines_one_row(column, cell):
    result = day(file(row_with(ticker="A"), row_with(**{column: cell}), row_with(ticker="Z")))
    assert counts(result) == (3, 2, 0, 1)
    assert result.bars["ticker"].to_list() == ["A", "Z"]
    assert result.quarantine.select("row_number", "reasons", column).rows() == [(2, ["not_a_number"], cell)]


@pytest.mark.parametrize("cell", ["180", "180.000000", "1.8e2", "+180", " 180"])
def test_a_number_of_trades_may_be_written_as_a_whole_float(cell):
    assert day(file(row_with(transactions=cell))).bars["transactions"].to_list() == [180]


@pytest.mark.parametrize("cell", ["180.5", "9007199254740993.0", "99999999999999999999"])
def test_a_number_of_trades_that_is_a_fraction_or_beyond_exactness_is_not_a_number(cell):
    assert quarantined(row_with(transactions=cell)) == [(1, ["not_a_number"])]


@pytest.mark.parametrize(
    "start",
    ["0", "-1", "1143176400", "1143176400000", "1143176400000000", "1143262800000000000", "9223372036854775808",
     "99999999999999999999", "-99999999999999999999", "1e300", "1.5"],
)  # fmt: skip
def test_a_window_outside_the_session_is_quarantined_as_wrong_session(start):
    assert quarantined(row_with(window_start=start)) == [(1, ["wrong_session"])]


@pytest.mark.parametrize("start", ["", "x", "nan", "inf", "2006-03-24"])
def test_a_window_that_is_no_number_is_quarantined_as_such(start):
    assert quarantined(row_with(window_start=start)) == [(1, ["not_a_number"])]


@pytest.mark.parametrize("start", ["1143176400000000000.000000", "1.1431764e18", "1143234000000000000"])
def test_a_window_inside_the_session_is_kept(start):
    assert day(file(row_with(window_start=start))).kept == 1


def test_the_quarantine_holds_the_row_as_delivered():
    result = day(file(ROW, row_with(ticker="a", open="083.10", close="8e1", high="1.0", low=" 5", transactions="x")))
    assert dict(result.quarantine.schema) == QUARANTINE.columns
    assert QUARANTINE.enforce(result.quarantine).to_dicts() == [
        {
            "session": SESSION,
            "key": KEY,
            "etag": "etag-1",
            "row_number": 2,
            "reasons": ["not_a_number", "high_below_low", "open_or_close_outside_range"],
            "ticker": "a",
            "volume": "4198800",
            "open": "083.10",
            "close": "8e1",
            "high": "1.0",
            "low": " 5",
            "window_start": START,
            "transactions": "x",
        }
    ]


def test_a_short_line_is_quarantined_and_what_it_lacks_is_null():
    result = day(file(row_with(ticker="A"), "IBM,4198800,83.1", row_with(ticker="Z")))
    assert counts(result) == (3, 2, 0, 1)
    assert result.quarantine.select(pl.exclude("session", "key", "etag")).row(0) == (
        2, ["malformed_row"], "IBM", "4198800", "83.1", None, None, None, None, None
    )  # fmt: skip


def test_a_long_line_is_quarantined_and_loses_nothing():
    result = day(file(row_with(ticker="A"), ROW + ",1,2", row_with(ticker="Z")))
    assert counts(result) == (3, 2, 0, 1)
    assert result.quarantine.select("reasons", "ticker", "transactions").row(0) == (
        ["malformed_row"],
        "IBM",
        "23327,1,2",
    )


def test_a_short_and_a_long_line_together_do_not_cancel_out():
    short, long = ROW.rsplit(",", 1)[0], ROW + ",1"
    assert quarantined(row_with(ticker="A"), short, long) == [(2, ["malformed_row"]), (3, ["malformed_row"])]


def test_a_blank_line_between_rows_is_a_malformed_row_and_at_the_end_is_none():
    result = day(file(row_with(ticker="A"), "", row_with(ticker="Z")) + "\n\n")
    assert counts(result) == (3, 2, 0, 1)
    assert result.quarantine.select("row_number", "reasons").rows() == [(2, ["malformed_row"])]


def test_a_last_line_without_line_end_is_kept():
    assert day(REAL.rstrip("\n")).bars.equals(day(REAL).bars)


@pytest.mark.parametrize("broken", ["", "X,?,1,1,1,1,1,1\n"], ids=["typed", "text"])
def test_a_byte_order_mark_and_crlf_are_tolerated(broken):
    windows = b"\xef\xbb\xbf" + (REAL + broken).replace("\n", "\r\n").encode()
    assert day(windows).bars.equals(day(REAL).bars)
    assert day(windows).quarantined == bool(broken)


def test_columns_are_found_by_name_in_any_order():
    reordered = pl.read_csv(REAL.encode(), infer_schema=False).select(sorted(SCHEMA)).write_csv()
    assert reordered.startswith("close,high,low")
    assert day(reordered).bars.equals(day(REAL).bars)
    assert day(reordered + "1,2,3\n").bars.equals(day(REAL).bars)


def test_extra_columns_are_named_and_not_read():
    extended = "\n".join(f"{line},{'vwap,otc' if line == HEADER else '1.5,'}" for line in REAL.splitlines())
    assert day(extended).extra_columns == ("vwap", "otc")
    assert day(extended).bars.equals(day(REAL).bars)


def test_a_comma_at_the_end_of_every_line_is_a_nameless_extra_column():
    assert day(REAL.replace("\n", ",\n")).extra_columns == ("",)


def test_a_header_in_the_middle_is_quarantined():
    assert quarantined(row_with(ticker="A"), HEADER, row_with(ticker="Z")) == [(2, ["not_a_number"])]


def test_a_quoted_header_is_read():
    assert day(REAL.replace(HEADER, ",".join(f'"{name}"' for name in SCHEMA))).bars.equals(day(REAL).bars)


def test_duplicates_are_not_bad_rows():
    assert counts(day(file(*[ROW] * 10), max_bad_share=0.0)) == (10, 1, 9, 0)


def test_duplicates_and_conflicts_are_accounted_for():
    result = day(file(ROW, row_with(transactions="1"), ROW, row_with(ticker="A")))
    assert counts(result) == (4, 2, 1, 1)
    assert result.quarantine.select("row_number", "reasons", "transactions").rows() == [
        (2, ["conflicting_duplicate"], "1")
    ]


def test_parse_returns_every_row_of_a_minute_file_with_its_types():
    start = int(START) + 4 * 3600 * 10**9
    lines = [row_with(ticker="A", window_start=str(start + minute * 60 * 10**9)) for minute in range(3)]
    parsed = parse(file(*lines).encode(), "minutes.csv")
    assert dict(parsed.rows.schema) == {
        "row_number": pl.Int64, "malformed": pl.Boolean, **{name: kind() for name, kind in SCHEMA.items()}
    }  # fmt: skip
    assert parsed.rows["window_start"].to_list() == [start + minute * 60 * 10**9 for minute in range(3)]
    assert parsed.as_delivered([3, 1])["window_start"].to_list() == [str(start + 120 * 10**9), str(start)]
