"""The ledger: what it keeps, and what is still due."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from assets_tests.alerts.days import FRI, THU, a_day, listed, signal, signals
from pipeline.alerts.message import content_of
from pipeline.alerts.sent import Entry, due, enter, sent
from pipeline.contracts.alerts import ALERTS
from pipeline.lake.lake import Lake

TOP = 2
A, B = "fingerprint-a", "fingerprint-b"
DAY = a_day(signals=signals(signal("AAPL")))


def entry(channel=A, kind="list", part="message", day=DAY, session=FRI):
    moment = datetime(2024, 1, 6, 17, 0, 1, 2, tzinfo=UTC)
    return Entry(session, channel, "Telegram", kind, part, TOP, content_of(day, TOP), moment, "run")


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


def still_due(entries, channel=A, day=DAY):
    lacking = due(entries, channel, day)
    return lacking.kind, lacking.needs_message, lacking.needs_page


def test_before_the_first_alert_nothing_was_sent(lake):
    assert sent(lake, FRI) == ()


def test_what_is_entered_is_read_back(lake):
    entries = [entry(), entry(part="page"), entry(B), entry(kind="correction")]
    for one in entries:
        enter(lake, one)
    assert sorted(sent(lake, FRI), key=repr) == sorted(entries, key=repr)


def test_the_same_part_is_there_once(lake):
    enter(lake, entry())
    later = replace(entry(), run_id="later")
    enter(lake, later)
    assert sent(lake, FRI) == (later,)


def test_sessions_do_not_meet(lake):
    enter(lake, entry(session=THU))
    enter(lake, entry())
    assert [one.session for one in sent(lake, THU)] == [THU]
    assert len(lake.scan(ALERTS).collect()) == 2


def test_an_alert_without_content_is_an_entry_too(lake):
    nothing = a_day(listed=listed(FRI))
    enter(lake, entry(day=nothing))
    (kept,) = sent(lake, FRI)
    assert kept.content == content_of(nothing, TOP)


def test_a_channel_that_had_nothing_lacks_the_list_and_its_page():
    assert still_due([]) == ("list", True, True)
    assert still_due([entry(B)]) == ("list", True, True)


def test_a_channel_that_had_the_message_lacks_its_page_only():
    assert still_due([entry()]) == ("list", False, True)
    assert still_due([entry(), entry(part="page")]) == ("list", False, False)


CHANGED = {
    "a ticker entered the best": {"listed": listed(FRI, "NEW", "GOOG")},
    "a list is empty now": {"listed": listed(FRI)},
    "a signal came": {"signals": signals(signal("AAPL"), signal("IBM"))},
    "a signal went": {"signals": signals()},
    "a signal is of yesterday after all": {"signals": signals(signal("AAPL", is_new=False))},
}


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED.keys())
def test_another_list_or_another_signal_is_due_as_a_correction(changed):
    now = replace(DAY, **changed)
    assert still_due([entry(), entry(part="page")], day=now) == ("correction", True, True)


UNCHANGED = {
    "another order": {"listed": listed(FRI, "IBM", "GOOG")},
    "another ticker below the best": {"listed": listed(FRI, "GOOG", "IBM", "LOW")},
    "other doubts about the data": {"quarantined": 5, "is_provisional": True},
    "a less severe signal": {"signals": signals(signal("AAPL", severity="low"))},
}


@pytest.mark.parametrize("changed", UNCHANGED.values(), ids=UNCHANGED.keys())
def test_a_change_outside_the_sent_content_is_not_due(changed):
    assert still_due([entry(), entry(part="page")], day=replace(DAY, **changed)) == ("list", False, False)


def test_there_is_one_correction_whatever_changes_afterwards():
    entries = [entry(), entry(part="page"), entry(kind="correction"), entry(kind="correction", part="page")]
    assert still_due(entries, day=replace(DAY, listed=listed(FRI, "THIRD"))) == ("correction", False, False)
    assert still_due(entries) == ("correction", False, False), "not even back to the content of the first one"


def test_a_channel_that_joins_late_gets_the_list_as_it_is_now():
    now = replace(DAY, listed=listed(FRI, "NEW"))
    assert still_due([entry(), entry(kind="correction", day=now)], channel=B, day=now) == ("list", True, True)


def test_the_correction_compares_as_many_as_were_sent_whatever_is_set_now():
    longer = replace(DAY, listed=listed(FRI, "GOOG", "IBM", "C", "D"))
    lacking = due([entry(), entry(part="page")], A, longer)
    assert (lacking.kind, lacking.first.top) == ("list", TOP)
