"""The morning edition's JSON: every row accounted for, numbers as written, and refusals that say why."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from assets_tests.sources.vendor_aggregates import bar, grouped, milliseconds
from assets_tests.vendor_day import day_file, nanoseconds
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.errors import AnswerRefused, FileRefused, NotPublished
from pipeline.sources.massive.day_aggs import clean_day_file
from pipeline.sources.massive.grouped_daily import clean_grouped_daily, pack, parse_answer

FRI, MON = date(2024, 1, 5), date(2024, 1, 8)
KEY = "rest/grouped_daily/2024/01/2024-01-05.json.gz"


def body(rows, **head):
    whole = {"status": "OK", "adjusted": False, "resultsCount": len(rows), "results": rows}
    return json.dumps(whole | head).encode()


def answer(**bars):
    return body(grouped(FRI, bars))


def cleaned(content, max_bad_share=1.0):
    return clean_grouped_daily(pack(content), FRI, KEY, "etag-1", max_bad_share)


def reasons(**bars):
    found = cleaned(answer(GOOD=bar(), **bars)).quarantine
    return dict(found.select("ticker", "reasons").iter_rows())


def test_an_answer_becomes_the_bars_of_its_session():
    day = cleaned(answer(NA=bar(), AAPL=bar(61.68, h=70, v=2036584.149027, n=900)))
    assert (day.rows_read, day.kept, day.duplicates, day.quarantined) == (2, 2, 0, 0)
    assert DAILY_BARS.enforce(day.bars).row(0, named=True) == {
        "ticker": "AAPL",
        "session": FRI,
        "open": 10.0,
        "high": 70.0,
        "low": 5.0,
        "close": 61.68,
        "volume": 2036584.149027,
        "transactions": 900,
    }
    assert day.extra_columns == ()


def test_tickers_stay_text_and_keep_their_case():
    names = ["1E5", "AAP", "AAp", "NA", "NULL", "TRUE"]
    assert cleaned(answer(**dict.fromkeys(names, bar()))).bars["ticker"].to_list() == names


@pytest.mark.parametrize("status", ["OK", "DELAYED"])
def test_a_delayed_plan_s_answer_is_as_good(status):
    assert cleaned(body(grouped(FRI, {"A": bar()}), status=status)).kept == 1


def test_a_bar_without_a_number_of_trades_has_none():
    day = cleaned(answer(A=bar(n=None), B=bar(n=3)))
    assert day.bars["transactions"].to_list() == [0, 3]


def test_a_rejected_row_is_kept_as_the_vendor_wrote_it():
    rows = '{"T":"UP","v":2e+06,"o":10.50,"c":11,"h":8,"l":1.20E1,"t":1704488400000,"vw":1}'
    good = json.dumps(grouped(FRI, {"GOOD": bar()})[0])
    content = f'{{"status":"OK","resultsCount":2,"results":[{good},{rows}]}}'.encode()
    (row,) = QUARANTINE.enforce(cleaned(content).quarantine).to_dicts()
    assert row == {
        "session": FRI,
        "key": KEY,
        "etag": "etag-1",
        "row_number": 2,
        "reasons": ["high_below_low", "open_or_close_outside_range"],
        "ticker": "UP",
        "volume": "2e+06",
        "open": "10.50",
        "close": "11",
        "high": "8",
        "low": "1.20E1",
        "window_start": "1704488400000",
        "transactions": None,
    }


@pytest.mark.parametrize(
    ("letters", "reason"),
    [
        ({"c": "ten"}, "not_a_number"),
        ({"c": None}, "not_a_number"),
        ({"c": [10]}, "not_a_number"),
        ({"c": True}, "not_a_number"),
        ({"n": 1.5}, "not_a_number"),
        ({"n": "few"}, "not_a_number"),
        ({"v": -1}, "negative_volume"),
        ({"l": 0, "o": 5}, "non_positive_price"),
        ({"t": milliseconds(MON)}, "wrong_session"),
        ({"t": 10**40}, "wrong_session"),
        ({"t": -(10**40)}, "wrong_session"),
    ],
)
def test_a_bad_row_is_rejected_with_the_reason_that_a_day_file_s_would_be(letters, reason):
    assert reasons(ODD=bar() | letters)["ODD"] == [reason]


def test_a_row_without_a_ticker_is_rejected():
    rows = [*grouped(FRI, {"A": bar()}), {"t": milliseconds(FRI)} | bar()]
    assert cleaned(body(rows)).quarantine["reasons"].to_list() == [["missing_ticker"]]


def test_an_identical_repeat_of_a_row_is_a_duplicate_and_a_differing_one_a_conflict():
    rows = grouped(FRI, {"A": bar(11)}) * 2 + grouped(FRI, {"A": bar(12, n=1)})
    day = cleaned(body(rows))
    assert (day.rows_read, day.kept, day.duplicates, day.quarantined) == (3, 1, 1, 1)
    assert day.quarantine["reasons"].to_list() == [["conflicting_duplicate"]]


def test_undocumented_letters_are_named():
    assert cleaned(answer(A=bar(otc=True, zz=1))).extra_columns == ("zz",)


def test_too_many_bad_rows_refuse_the_answer():
    with pytest.raises(FileRefused, match=r"has 1 bad rows of 2 \(50.0%\)"):
        cleaned(answer(A=bar(), B=bar(v=-1)), max_bad_share=0.2)


def test_a_session_without_a_bar_is_not_published_yet():
    for content in (b'{"status":"OK","resultsCount":0,"adjusted":false}', body([])):
        with pytest.raises(NotPublished, match=f"no bar of {FRI}"):
            parse_answer(content, FRI, KEY)


ROWS = grouped(FRI, {"A": bar(), "B": bar()})
REFUSED = {
    "a page": (b"<html>Sign in</html>", "is not a JSON object but looks like an HTML page"),
    "not JSON": (b'{"status":"OK","results":[', "is not a JSON object"),
    "a list": (b"[]", "is not a JSON object"),
    "bottomless": (b"[" * 100_000, "is not a JSON object"),
    "not UTF-8": (b'{"status":"\xff"}', "is not a JSON object"),
    "half a character": (rb'{"status":"\ud800"}', "half a character"),
    "a value given twice": (
        b'{"status":"OK","results":[{"T":"A","c":1,"c":2}]}',
        r'is not a JSON object \(it has "c" twice in one object\)',
    ),
    "an error": (b'{"status":"ERROR","error":"Too much"}', r"status is ERROR \(Too much\)"),
    "lost rows": (body(ROWS[:1], resultsCount=2), "has 1 rows, but its resultsCount is 2"),
    "uncounted rows": (body(ROWS, resultsCount=None), "resultsCount is None"),
    "no results": (b'{"status":"OK","resultsCount":2}', "has no list of rows"),
    "rows that are none": (body([1, 2]), "has no list of rows"),
    "adjusted": (body(ROWS, adjusted=True), "are adjusted for splits"),
    "another day": (body(grouped(MON, {"A": bar(), "B": bar()})), f"is of {MON}, not of {FRI}"),
    "seconds": (body([row | {"t": row["t"] // 1000} for row in ROWS]), "is of 1970-01-20"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_answer_that_is_not_the_session_s_is_refused_with_its_name(what):
    content, words = REFUSED[what]
    with pytest.raises(AnswerRefused, match=words) as refused:
        parse_answer(content, FRI, KEY)
    assert KEY in str(refused.value)


def test_answers_say_the_same_in_any_order_and_under_any_id():
    first = parse_answer(body(ROWS, request_id="a"), FRI, KEY)
    again = parse_answer(body(ROWS[::-1], request_id="b"), FRI, KEY)
    other = parse_answer(body([ROWS[0], ROWS[1] | {"c": 11}]), FRI, KEY)
    of_some = parse_answer(body(ROWS, tickers=["A", "B"]), FRI, KEY)
    assert first.has_same_rows(again)
    assert not first.has_same_rows(other)
    assert not first.has_same_rows(of_some)


PRICE = st.floats(0.0001, 1e6).map(lambda price: round(price, 4)) | st.sampled_from([0.0, -1.0])
BARS = st.dictionaries(
    st.sampled_from(["A", "AAP", "AAp", "NA", "TRUE", "1E5", "BRK.A", "Z"]),
    st.builds(
        lambda prices, v, n: dict(zip("lcoh", prices, strict=True)) | {"v": v, "n": n},
        st.lists(PRICE, min_size=4, max_size=4).map(sorted) | st.lists(PRICE, min_size=4, max_size=4),
        st.integers(-1, 2**53) | st.floats(0, 1e9).map(lambda volume: round(volume, 6)),
        st.integers(-1, 10**6),
    ),
    min_size=1,
)


@given(BARS)
def test_a_session_gives_the_same_bars_as_a_flat_file_and_as_a_morning_edition(bars):
    start = nanoseconds(FRI)
    lines = [
        f"{ticker},{one['v']},{one['o']},{one['c']},{one['h']},{one['l']},{start},{one['n']}"
        for ticker, one in bars.items()
    ]
    flat = clean_day_file(day_file(*lines), FRI, "file", "e", 1.0)
    morning = cleaned(answer(**bars))
    assert_frame_equal(morning.bars, flat.bars, check_exact=True)
    # Only the times differ, as they do at the vendor: the window's end, in milliseconds.
    columns = ["row_number", "reasons", "ticker", "volume", "open", "close", "high", "low", "transactions"]
    assert_frame_equal(morning.quarantine.select(columns), flat.quarantine.select(columns))
