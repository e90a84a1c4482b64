"""Bad answers of the REST API, which stand in for a file until it is there: refused, or bad rows in the quarantine."""

import json
from datetime import date

import pytest

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.errors import AnswerRefused, CandlelakeError, NotPublished
from pipeline.sources.massive.cleaned_day import CleanedDay
from pipeline.sources.massive.grouped_daily import clean_grouped_daily, pack

SESSION = date(2006, 3, 24)
ROW = {"T": "IBM", "v": 4198800, "o": 83.1, "c": 83.36, "h": 83.72, "l": 82.99, "t": 1143234000000, "n": 23327}


def cleaned(body: bytes) -> CleanedDay:
    return clean_grouped_daily(pack(body), SESSION, "the answer", "version", 1.0)


def answer(*rows: dict, **changed: object) -> bytes:
    whole = {"status": "OK", "adjusted": False, "resultsCount": len(rows), "results": rows}
    return json.dumps(whole | changed).encode()


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"c": float("nan")}, ["not_a_number"]),
        ({"h": float("inf")}, ["not_a_number"]),
        ({"h": 10**400}, ["not_a_number"]),
        ({"c": True}, ["not_a_number"]),
        ({"c": None}, ["not_a_number"]),
        ({"c": [83.36]}, ["not_a_number"]),
        ({"c": {"usd": 83.36}}, ["not_a_number"]),
        ({"n": 1.5}, ["not_a_number"]),
        ({"T": None}, ["missing_ticker"]),
        ({"T": "A\0B"}, ["malformed_ticker"]),
        ({"T": "A\nB"}, ["malformed_ticker"]),
        ({"T": "A\u200bB"}, ["malformed_ticker"]),
        ({"v": 2**53}, ["volume_too_large"]),
        ({"t": 1143234000}, ["wrong_session"]),
        ({"t": 1143234000 * 10**9}, ["wrong_session"]),
        ({"t": -(2**63)}, ["wrong_session"]),
    ],
)
def test_a_bad_row_is_quarantined_with_its_reasons(change: dict, reasons: list[str]):
    result = cleaned(answer(ROW | {"T": "A"}, ROW | change, ROW | {"T": "Z"}))
    assert result.quarantine.select("row_number", "reasons").rows() == [(2, reasons)]
    assert DAILY_BARS.enforce(result.bars)["ticker"].to_list() == ["A", "Z"]
    assert len(QUARANTINE.enforce(result.quarantine)) == 1


@pytest.mark.parametrize("ticker", ["NA", "NULL", "TRUE", "1E5", "INF", "AAp", "日本", "A" * 10_000])
def test_a_ticker_is_text_whatever_it_looks_like(ticker: str):
    assert cleaned(answer(ROW | {"T": ticker})).bars["ticker"].to_list() == [ticker]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", CandlelakeError),
        (b"<html>", AnswerRefused),
        (b"[]", AnswerRefused),
        (b"null", AnswerRefused),
        (b'"OK"', AnswerRefused),
        (b'{"a":' * 100_000, AnswerRefused),
        (b"[" * 100_000, AnswerRefused),
        (answer(ROW)[:-9], AnswerRefused),
        (answer(ROW) * 2, AnswerRefused),
        (b"\xff\xfe", AnswerRefused),
        (answer(ROW, status="NOT_AUTHORIZED"), AnswerRefused),
        (answer(ROW, status=["OK"]), AnswerRefused),
        (answer(ROW, resultsCount=2), AnswerRefused),
        (answer(ROW, resultsCount=True), AnswerRefused),
        (answer(ROW, results=ROW), AnswerRefused),
        (answer(ROW, results=[ROW, None], resultsCount=2), AnswerRefused),
        (answer(ROW, adjusted=True), AnswerRefused),
        (answer(ROW | {"T": "\ud800"}), AnswerRefused),
        (answer(ROW | {"\udfff": 1}), AnswerRefused),
        (answer(ROW | {"t": 1143320400000}), AnswerRefused),
        (answer(), NotPublished),
    ],
)
def test_a_bad_answer_is_refused_by_its_name(body: bytes, error: type[CandlelakeError]):
    with pytest.raises(error) as refused:
        cleaned(body)
    assert "the answer" in refused.value.message
    assert refused.value.message.encode()


def test_an_answer_nested_to_any_depth_is_refused_or_read():
    for depth in range(100, 1100, 50):
        nested = json.dumps(ROW).replace('"IBM"', "[" * depth + "]" * depth)
        try:
            assert cleaned(answer(ROW).replace(json.dumps(ROW).encode(), nested.encode())).rows_read == 1
        except AnswerRefused:
            continue
