"""Refusals stop at once, what may pass is tried again within bounds, and no error carries the key."""

import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count

import pytest
from pydantic import SecretStr

from assets_tests.sources.vendor_rest import (
    KEY,
    SPLITS,
    cut_short,
    fall_silent,
    reset_midway,
    say,
    say_json,
)
from pipeline.errors import AccessDenied, AnswerRefused, CandlelakeError, NotPublished, SettingsError, TransferFailed
from pipeline.sources.massive.rest import Rest
from pipeline.sources.massive.rest_refusals import refusal, seconds_of
from pipeline.sources.transfer.landing import Interrupted
from pipeline.sources.transfer.patience import Patience

OK = {"status": "OK", "results": []}


def read(rest):
    return [row for page in rest.pages(SPLITS) for row in page]


REFUSALS = {
    "an unknown key": (401, {"status": "ERROR", "error": "Unknown API Key"}, AccessDenied, "CANDLELAKE_REST_KEY"),
    "outside the plan": (403, {"status": "NOT_AUTHORIZED", "message": "Upgrade your plan"}, AccessDenied, "the plan"),
    "what is not there": (404, {"status": "NOT_FOUND", "message": "Ticker not found."}, NotPublished, "Ticker not"),
    "a bad question": (400, {"status": "ERROR", "error": "Unknown parameter"}, SettingsError, "Unknown parameter"),
    "an error in HTML": (403, None, AccessDenied, "denied \\(403\\)"),
    "a refusal with a status of success": (
        200,
        {"status": "NOT_AUTHORIZED", "message": "No"},
        AccessDenied,
        "the plan",
    ),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_stops_at_once_with_the_vendor_s_words_and_a_remedy(rest, vendor, waits, what):
    status, answer, error, remedy = REFUSALS[what]
    vendor.faults = [say_json(answer, status) if answer else say("<h1>Forbidden</h1>", status)]
    with pytest.raises(error, match=remedy) as refused:
        read(rest)
    words = (answer or {}).get("error") or (answer or {}).get("message") or ""
    assert words in str(refused.value)
    assert (len(vendor.requests), waits.slept) == (1, [])


def test_the_words_of_a_vendor_that_repeats_the_key_come_without_it(rest, vendor):
    vendor.faults = [say_json({"status": "ERROR", "error": f"Unknown API Key {KEY}"}, 401)]
    with pytest.raises(AccessDenied, match="Unknown API Key …") as refused:
        read(rest)
    assert KEY not in str(refused.value)


def test_a_redirect_is_not_followed(rest, vendor):
    vendor.faults = [say("", 302, {"Location": "http://login.example/"})]
    with pytest.raises(SettingsError, match="302"):
        read(rest)


PASSING = {
    "500": say_json({"status": "ERROR", "error": "internal"}, 500),
    "502 in HTML": say("<h1>Bad gateway</h1>", 502),
    "408": say("", 408),
    "a reset": reset_midway,
    "a short body": cut_short,
    "a silence": fall_silent,
}


@pytest.mark.parametrize("what", PASSING)
def test_what_may_pass_by_itself_is_tried_again(rest, vendor, waits, what):
    vendor.faults = [PASSING[what], PASSING[what], say_json({**OK, "results": [{"ticker": "A"}]})]
    assert read(rest) == [{"ticker": "A"}]
    assert waits.slept == [0.5, 1.0]


def test_a_server_that_stays_broken_is_given_up_after_a_bounded_number_of_attempts(rest, vendor):
    vendor.faults = [say_json({"message": "down"}, 503)] * 9
    with pytest.raises(TransferFailed, match=r"5 attempts.*503: down"):
        read(rest)
    assert len(vendor.requests) == 5


def test_nobody_listening_is_reported_as_such(waits):
    with (
        Rest("http://127.0.0.1:9", SecretStr(KEY), patience=waits.patience(attempts=2)) as rest,
        pytest.raises(TransferFailed, match=r"127\.0\.0\.1:9 does not answer"),
    ):
        read(rest)


@pytest.mark.parametrize(
    "body", ["", '{"status": "ERROR", "error": "You\'ve exceeded the maximum requests per minute"}']
)
def test_too_many_calls_wait_for_the_next_minute_when_no_time_is_named(rest, vendor, waits, body):
    vendor.faults = [say(body, 429)] * 2
    assert len(read(rest)) == 5
    assert waits.slept == [60.0, 60.0]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_in_seconds(rest, vendor, waits, status):
    vendor.faults = [say("", status, {"Retry-After": "17"})]
    assert len(read(rest)) == 5
    assert waits.slept == [17.0]


def test_retry_after_is_honoured_as_a_date(rest, vendor, waits):
    vendor.faults = [
        say("", 429, {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)})
    ]
    assert len(read(rest)) == 5
    assert 30 < waits.slept[0] <= 40


def test_a_retry_after_that_cannot_be_read_is_a_minute(rest, vendor, waits):
    vendor.faults = [say("", 429, {"Retry-After": "soon"})]
    assert len(read(rest)) == 5
    assert waits.slept == [60.0]


def test_nobody_waits_for_hours(rest, vendor, waits):
    vendor.faults = [say_json({"error": "daily quota"}, 429, {"Retry-After": "7200"})]
    with pytest.raises(TransferFailed, match=r"daily quota.*CANDLELAKE_REST_CALLS_PER_MINUTE"):
        read(rest)
    assert (len(vendor.requests), waits.slept) == (1, [])


def test_too_many_calls_are_given_up_when_the_time_is_over(rest, vendor, waits):
    vendor.faults = [say("", 429)] * 9
    with pytest.raises(TransferFailed, match="too many calls"):
        read(rest)
    assert sum(waits.slept) <= 300


def test_a_body_that_trickles_is_given_up(vendor):
    seconds = count(step=200)
    vendor.faults = [say_json({**OK, "results": [{"ticker": "A" * 500_000}]})]
    with (
        Rest(vendor.url, SecretStr(KEY), patience=Patience(clock=lambda: next(seconds))) as rest,
        pytest.raises(TransferFailed, match="too slowly"),
    ):
        read(rest)


@pytest.mark.parametrize("fault", [*PASSING.values(), say("<html>", 200), say("", 401), say("", 429)])
def test_no_error_carries_the_key_in_its_words_its_causes_or_its_attributes(vendor, waits, fault, caplog):
    caplog.set_level("DEBUG")
    vendor.faults = [fault] * 9
    with (
        Rest(vendor.url, SecretStr(KEY), calls_per_minute=10_000, patience=waits.patience(read_timeout=0.2)) as rest,
        pytest.raises(CandlelakeError) as refused,
    ):
        read(rest)
    error: BaseException | None = refused.value
    while error is not None:
        assert KEY not in f"{error!r} {error} {vars(error)}"
        assert isinstance(error, CandlelakeError)
        error = error.__cause__ or error.__context__
    assert KEY not in "".join(traceback.format_exception(refused.value))
    assert KEY not in f"{rest!r} {vars(rest)}"
    assert KEY not in caplog.text


def test_a_list_that_never_ends_is_given_up_after_so_many_pages(rest, vendor, monkeypatch):
    monkeypatch.setattr("pipeline.sources.massive.rest.MOST_PAGES", 5)
    vendor.faults = [say_json({**OK, "next_url": f"/v3/more?cursor={number}"}) for number in range(9)]
    with pytest.raises(AnswerRefused, match="more than 5 pages"):
        read(rest)
    assert len(vendor.requests) == 5


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize("body", [DEEP, f'{{"status": "OK", "results": {DEEP}}}', '{"a":' * 100_000, "9" * 5_000])
@pytest.mark.parametrize("status", [200, 403, 500])
def test_an_answer_that_json_cannot_hold_is_an_error_of_ours(rest, vendor, status, body):
    vendor.faults = [say(body, status) for _ in range(10)]
    with pytest.raises(CandlelakeError):
        read(rest)


@pytest.mark.parametrize(
    "header",
    [
        *("9" * 400, "9" * 5_000, "0" * 5_000 + "1"),
        *("Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 99999 23:59:59 GMT", "Fri, 31 Dec 999999999999 23:59:59 GMT"),
        *("Sun, 00 Jan 0000 00:00:00 +9999999", "²", "-1", "1e9", "nan", ""),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_of_any_kind_ends_within_the_bounds(rest, vendor, waits, header, status):
    assert 0 <= seconds_of(header) <= 21_600
    error = refusal(status, "", header, "here")
    assert isinstance(error, Interrupted)
    assert error.wait <= 21_600


def test_all_pages_together_have_a_bound(rest, vendor, monkeypatch):
    monkeypatch.setattr("pipeline.sources.massive.rest.LARGEST_ANSWER", 1_000)
    vendor.lists = {SPLITS: [{"ticker": "A" * 100} for _ in range(40)]}
    with pytest.raises(AnswerRefused, match="more than 1,000 bytes together"):
        read(rest)
    assert len(vendor.requests) < 10
