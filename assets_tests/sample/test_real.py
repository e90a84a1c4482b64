import csv
import gzip
import json
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from assets_tests.sample.conftest import path_of, rows_of
from pipeline.sample.laying import Sample
from pipeline.sample.real import lay_down_real
from pipeline.venues.us_stocks import US_STOCKS


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return lay_down_real(tmp_path_factory.mktemp("real"))


def row(real: Sample, day: str, ticker: str) -> dict[str, str]:
    (found,) = [row for row in rows_of(real.folder, date.fromisoformat(day)) if row["ticker"] == ticker]
    return found


def test_the_sample_is_9499_rows_in_2385_sessions(real: Sample):
    flat_files = sorted((real.folder / "us_stocks_sip/day_aggs_v1").rglob("*.csv.gz"))
    rows = 0
    for path in flat_files:
        with gzip.open(path, "rt", newline="") as text:
            rows += sum(1 for _ in csv.DictReader(text))
    assert (len(flat_files), rows) == (2_385, 9_499)
    assert real.files == 2_385
    assert (real.first_session, real.last_session) == (date(2003, 9, 10), date(2013, 3, 1))
    everything = [path for path in real.folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert real.size == sum(path.stat().st_size for path in everything)


def test_every_session_of_new_york_has_its_file(real: Sample):
    for session in US_STOCKS.calendar.between(date(2003, 9, 10), date(2013, 3, 1)):
        assert path_of(real.folder, session).is_file()


def test_a_row_is_exactly_as_delivered(real: Sample):
    assert row(real, "2005-02-28", "AAPL") == {
        "ticker": "AAPL",
        "volume": "11635900",
        "open": "44.68",
        "close": "44.86",
        "high": "45.14",
        "low": "43.96",
        "window_start": "1109566800000000000",
        "transactions": "64644",
    }


@pytest.mark.parametrize(
    ("day", "ticker", "close"),
    [
        ("2003-09-10", "MSFT", "27.55"),
        ("2004-08-19", "GOOG", "100.335"),  # first session of Google
        ("2005-02-25", "AAPL", "88.99"),  # last one before the 2:1 split
        ("2012-05-18", "FB", "38.2318"),  # first session of Facebook
        ("2013-03-01", "IBM", "202.91"),
    ],
)
def test_known_closes_are_as_traded(real: Sample, day: str, ticker: str, close: str):
    assert row(real, day, ticker)["close"] == close


def test_reference_data_holds_the_split_the_dividends_and_the_tickers(real: Sample):
    answers = {
        name: json.loads((real.folder / f"rest/{name}.json").read_text())["results"]
        for name in ("splits", "dividends", "tickers")
    }
    (split,) = answers["splits"]
    assert (split["ticker"], split["execution_date"]) == ("AAPL", "2005-02-28")
    assert (split["split_from"], split["split_to"]) == (1, 2)
    assert len(answers["dividends"]) == 77
    assert [ticker["ticker"] for ticker in answers["tickers"]] == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]


def test_files_are_dated_eleven_new_york_on_the_next_day(real: Sample):
    new_york_time = ZoneInfo("America/New_York")
    modified = datetime.fromtimestamp(path_of(real.folder, date(2005, 2, 25)).stat().st_mtime, new_york_time)
    assert modified == datetime(2005, 2, 26, 11, tzinfo=new_york_time)


def test_progress_ends_with_every_session(tmp_path: Path):
    calls: list[tuple[int, int]] = []
    lay_down_real(tmp_path, progress=lambda *call: calls.append(call))
    assert calls[-1] == (2_385, 2_385)
    assert [count for count, _ in calls] == sorted(count for count, _ in calls)
