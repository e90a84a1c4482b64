import gzip
import re
from datetime import date, datetime
from pathlib import Path

from assets_tests.sample.conftest import FAULTY, NEW_YORK, SESSIONS, path_of, rows_of


def test_every_session_has_a_file_with_the_vendors_header(market: Path):
    flat_files = list(market.rglob("*.csv.gz"))
    assert sorted(flat_files) == [path_of(market, session) for session in SESSIONS]
    for path in flat_files:
        first = gzip.decompress(path.read_bytes()).split(b"\n", 1)[0]
        assert first == b"ticker,volume,open,close,high,low,window_start,transactions"


def test_a_file_is_one_gzip_member_without_time_or_name_and_ends_with_a_newline(market: Path):
    content = path_of(market, SESSIONS[0]).read_bytes()
    assert content[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
    assert gzip.decompress(content).endswith(b"\n")
    assert b"\r" not in gzip.decompress(content)


def test_numbers_are_in_shortest_form_before_23_february_2026(market: Path):
    for row in rows_of(market, date(2026, 2, 20)):
        assert re.fullmatch(r"[1-9]\d*", row["volume"])
        for column in ("open", "close", "high", "low"):
            assert re.fullmatch(r"(0|[1-9]\d*)(\.\d{0,3}[1-9])?", row[column])


def test_numbers_have_six_decimals_from_23_february_2026(market: Path):
    rows = rows_of(market, date(2026, 2, 23))
    for row in rows:
        for column in ("volume", "open", "close", "high", "low"):
            assert re.fullmatch(r"\d+\.\d{6}", row[column])
        assert re.fullmatch(r"\d+", row["transactions"])
    fractions = [row for row in rows if not row["volume"].endswith(".000000")]
    assert len(rows) / 3 < len(fractions) < len(rows)


def test_rows_start_at_midnight_new_york_in_winter_and_summer_time(market: Path):
    assert {row["window_start"] for row in rows_of(market, date(2026, 3, 6))} == {"1772773200000000000"}  # 05:00 UTC
    assert {row["window_start"] for row in rows_of(market, date(2026, 3, 10))} == {"1773115200000000000"}  # 04:00 UTC


def test_files_are_dated_eleven_new_york_on_the_next_day(market: Path):
    modified = datetime.fromtimestamp(path_of(market, date(2026, 3, 6)).stat().st_mtime, NEW_YORK)
    assert modified == datetime(2026, 3, 7, 11, tzinfo=NEW_YORK)


def test_a_clean_file_is_sorted_by_ticker_without_repeats(market: Path):
    for session in set(SESSIONS) - FAULTY:
        tickers = [row["ticker"].encode() for row in rows_of(market, session)]
        assert tickers == sorted(set(tickers))
