"""The asset that sends alerts: once to each channel, only of a fresh session, and never at the data's cost."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import time_machine
from pydantic import SecretStr
from werkzeug import Response

from assets_tests.alerts.days import FRI, THU, signal, signals
from assets_tests.alerts.days import listed as listed_by
from assets_tests.assets.alert_runs import SATURDAY_NOON, Home, bars, delivery
from assets_tests.dagster_runs import instance, run
from assets_tests.own_models import OWN, STRONG, rank_by
from assets_tests.telegram import CHAT, Telegram
from assets_tests.vendor_day import VendorFolder, row
from pipeline.assets import alerts as asset_module
from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.portfolio import SIGNALS
from pipeline.settings import Settings

listed = partial(listed_by, model=STRONG.name)


@pytest.fixture(autouse=True)
def own_models(monkeypatch):
    rank_by(OWN, monkeypatch)


@pytest.fixture
def telegram(httpserver, monkeypatch):
    return Telegram(httpserver, monkeypatch)


@pytest.fixture(autouse=True)
def on_saturday():
    with time_machine.travel(SATURDAY_NOON):
        yield


@pytest.fixture
def home(tmp_path, telegram):
    home = Home(Settings(home=tmp_path / "home", alerts=[telegram.address()]))
    for session in (THU, FRI):
        home.put(DAILY_BARS, bars(session))
        home.put(DELIVERIES, delivery(session))
    home.put(CANDIDATES, listed(THU, "IBM", "OLD"))
    home.put(CANDIDATES, listed(FRI, "GOOG", "IBM"))
    home.put(SIGNALS, signals(signal("AAPL")))
    return home


@pytest.fixture
def page(tmp_path, monkeypatch):
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><p>A page")
    monkeypatch.setattr(asset_module, "page_of", lambda *_: page)
    return page


def test_an_alert_has_the_list_of_its_session_the_signals_and_the_doubts(home, telegram):
    result = home.alert_run(FRI)
    assert telegram.messages == [
        "Candidates of 2024-01-05\n"
        "Sell: 1 new signal\n"
        "AAPL stop hit (high): Close 190.00 lies under the stop 195.00\n"
        "\u200b\n"
        "strong: 3,120 of 10,171 passed\n"
        "1 GOOG 101.00 (new, +1.00): Up 12.0 % in 60 days\n"
        "2 IBM 102.00 (+0.50): Up 12.0 % in 60 days\n"
        "Gone: OLD\n"
        "\u200b\n"
        "dips: no stock passed\n"
        "\u200b\n"
        "Data\n"
        "Splits unknown: prices are as traded."
    ]
    assert result.failures == {}
    assert result.metadata[str(FRI)]["alerts"] == "1 of 1 channels have it"
    assert result.metadata[str(FRI)]["Telegram"] == "list message sent"


@pytest.mark.thorough
def test_its_page_follows_as_a_document(home, telegram, page):
    result = home.alert_run(FRI)
    assert telegram.documents == {"candidates-2024-01-05.html": page.read_bytes()}
    assert result.metadata[str(FRI)]["Telegram"] == "list message sent; list page sent"
    assert home.ledger == [(FRI, "Telegram", "list", "message"), (FRI, "Telegram", "list", "page")]


@pytest.mark.thorough
def test_a_session_that_runs_again_is_sent_once(home, telegram, page):
    home.alert_run(FRI)
    kept = home.lake.version(ALERTS)
    again = home.alert_run(FRI)
    assert (len(telegram.messages), telegram.calls) == (1, 2), "the message and the page of the first run"
    assert again.metadata[str(FRI)]["Telegram"] == "had it already"
    assert again.failures == {}
    assert home.lake.version(ALERTS) == kept


@pytest.mark.thorough
def test_a_page_that_came_later_is_sent_with_the_next_run(home, telegram, page, monkeypatch):
    monkeypatch.setattr(asset_module, "page_of", lambda *_: None)
    home.alert_run(FRI)
    assert telegram.documents == {}
    monkeypatch.setattr(asset_module, "page_of", lambda *_: page)
    assert home.alert_run(FRI).metadata[str(FRI)]["Telegram"] == "list page sent"
    assert len(telegram.messages) == 1


@pytest.mark.thorough
def test_a_list_that_changed_after_the_morning_edition_is_corrected_once(home, telegram, page):
    home.put(DELIVERIES, delivery(FRI, provisional=True))
    home.alert_run(FRI)
    assert telegram.messages[0].startswith("Candidates of 2024-01-05, morning edition\n")
    assert "Provisional: " in telegram.messages[0]

    home.put(DELIVERIES, delivery(FRI))
    home.put(CANDIDATES, listed(FRI, "GOOG", "NEW"))
    assert home.alert_run(FRI).metadata[str(FRI)]["Telegram"] == "correction message sent; correction page sent"
    assert telegram.messages[1].startswith(
        "Corrected candidates of 2024-01-05\nChanged since the first message\nstrong in NEW; out IBM\n\u200b\nSell"
    )
    home.put(CANDIDATES, listed(FRI, "THIRD"))
    home.alert_run(FRI)
    assert len(telegram.messages) == 2
    assert [kind for _, _, kind, _ in home.ledger] == ["correction", "correction", "list", "list"]


@pytest.mark.thorough
def test_a_flat_file_that_changes_nothing_on_the_list_sends_nothing(home, telegram):
    home.put(DELIVERIES, delivery(FRI, provisional=True))
    home.alert_run(FRI)
    home.put(DELIVERIES, delivery(FRI))
    assert home.alert_run(FRI).metadata[str(FRI)]["Telegram"] == "had it already"
    assert len(telegram.messages) == 1


def test_a_failing_channel_fails_nothing_and_is_tried_again_by_the_next_run(home, telegram):
    telegram.will_answer(500, description="Internal Server Error")
    first = home.alert_run(FRI)
    assert first.failures == {"Telegram": "it answered 500: a fault of its own, which may pass"}
    assert "failed: it answered 500" in first.metadata[str(FRI)]["Telegram"]
    assert first.metadata[str(FRI)]["alerts"] == "0 of 1 channels have it"
    assert home.progress.warnings == [f"The alert of 2024-01-05 did not reach Telegram: {first.failures['Telegram']}."]
    assert home.ledger == []
    assert home.alert_run(FRI).failures == {}
    assert len(telegram.messages) == 1


@pytest.mark.thorough
def test_one_channel_fails_and_another_has_it(home, telegram):
    addresses = ["json://127.0.0.1:1/?retry=0", telegram.address(), "bogus://x", telegram.address(chat=CHAT + 1)]
    result = home.alert_run(FRI, alerts=tuple(map(SecretStr, addresses)))
    assert list(result.failures) == ["JSON", "unknown", "Telegram 2"]
    assert "could not be reached" in result.failures["JSON"]
    assert "does not know the chat" in result.failures["Telegram 2"]
    assert result.metadata[str(FRI)]["alerts"] == "1 of 4 channels have it"
    assert len(telegram.messages) == 1
    assert home.ledger == [(FRI, "Telegram", "list", "message")]


@pytest.mark.thorough
def test_a_page_that_is_refused_does_not_repeat_the_message(home, telegram, page):
    telegram.largest_document = 5
    first = home.alert_run(FRI)
    assert first.failures == {"Telegram": "the page: it answered 413: the document is too large for it"}
    assert first.metadata[str(FRI)]["Telegram"].startswith("list message sent; failed: the page")
    telegram.largest_document = 5_000
    assert home.alert_run(FRI).metadata[str(FRI)]["Telegram"] == "list page sent"
    assert (len(telegram.messages), len(telegram.documents)) == (1, 1)


@pytest.mark.thorough
def test_a_message_whose_entry_was_lost_comes_twice_rather_than_never(home, telegram, httpserver):
    messages = []
    ledger = Path(home.lake.uri(ALERTS))

    def break_down_on_the_first(request):
        messages.append(request.get_json()["message"])
        if len(messages) == 1:
            ledger.parent.mkdir()
            ledger.write_text("no folder: nothing can be entered")
        return Response("taken")

    httpserver.expect_request("/hook").respond_with_handler(break_down_on_the_first)
    hook = (SecretStr(f"json://127.0.0.1:{httpserver.port}/hook?retry=0"),)
    with pytest.raises(Exception):  # noqa: B017, PT011 (whatever the disk says)
        home.alert_run(FRI, alerts=hook)
    ledger.unlink()
    assert home.alert_run(FRI, alerts=hook).metadata[str(FRI)]["JSON"] == "list message sent"
    assert home.alert_run(FRI, alerts=hook).metadata[str(FRI)]["JSON"] == "had it already"
    assert len(messages) == 2


def test_without_a_channel_nothing_is_sent_and_nothing_is_written(home, telegram):
    result = home.alert_run(FRI, alerts=None)
    assert result.failures == {}
    assert result.metadata[str(FRI)] == {"alerts": "not sent: CANDLELAKE_ALERTS has no channel"}
    assert telegram.calls == 0
    assert not home.lake.exists(ALERTS)


def test_only_the_newest_session_of_a_range_is_sent(home, telegram):
    result = home.alert_run(THU, FRI)
    assert sorted(result.sessions) == [str(THU), str(FRI)]
    assert "alerts" not in result.metadata[str(THU)]
    assert telegram.messages[0].startswith("Candidates of 2024-01-05")
    assert len(telegram.messages) == 1


def test_an_older_session_that_runs_again_is_not_sent(home, telegram):
    result = home.alert_run(THU)
    assert result.metadata[str(THU)]["alerts"] == "not sent: the lake has 2024-01-05, which is newer"
    assert telegram.calls == 0


@pytest.mark.parametrize(("days", "is_sent"), [(3, True), (4, False)])
def test_a_session_is_sent_up_to_four_days_after_it(home, telegram, days, is_sent):
    with time_machine.travel(SATURDAY_NOON + timedelta(days=days)):
        result = home.alert_run(FRI)
    assert telegram.calls == is_sent
    if not is_sent:
        assert result.metadata[str(FRI)]["alerts"] == "not sent: 5 days old, and only 4 are allowed"


def test_days_are_counted_in_new_york(home, telegram):
    with time_machine.travel(datetime(2024, 1, 10, 4, 30, tzinfo=UTC)):  # half past eleven on Tuesday night there
        home.alert_run(FRI)
    assert telegram.calls == 1


@pytest.mark.thorough
def test_a_gap_in_the_sessions_before_is_in_the_message(home, telegram):
    home.put(DAILY_BARS, bars(date(2023, 12, 29)))
    home.alert_run(FRI)
    assert "Missing before it: 2024-01-02, 2024-01-03." in telegram.messages[0]


@pytest.mark.thorough
def test_the_message_names_as_many_candidates_as_is_set(home, telegram):
    home.alert_run(FRI, alerts_top=1)
    assert "1 GOOG" in telegram.messages[0]
    assert "2 IBM" not in telegram.messages[0]


@pytest.mark.thorough
def test_the_ledger_keeps_what_was_sent(home, telegram):
    home.alert_run(FRI)
    (entry,) = home.lake.scan(ALERTS).collect().to_dicts()
    assert (entry["top"], entry["selling"]) == (5, [{"ticker": "AAPL", "rule": "stop_hit"}])
    assert entry["listed"] == [{"model": "strong", "ticker": "GOOG"}, {"model": "strong", "ticker": "IBM"}]


@pytest.mark.thorough
def test_the_whole_job_sends_which_of_its_checks_failed(tmp_path, telegram):
    vendor = VendorFolder(tmp_path)
    vendor.lay(THU, *(row(THU, f"T{number}") for number in range(20)))
    vendor.lay(FRI, *(row(FRI, f"T{number}") for number in range(4)), row(FRI, "BAD", high="1"))
    settings = vendor.settings(alerts=[telegram.address()])
    with instance() as dagster:
        run(settings, [THU, FRI], instance=dagster)
    assert telegram.messages == [
        "Candidates of 2024-01-05\n"
        "strong: no stock passed\n"
        "\u200b\n"
        "dips: no stock passed\n"
        "\u200b\n"
        "Data\n"
        "Quarantined: 1 of 5 rows (20.00%).\n"
        "Splits unknown: prices are as traded.\n"
        "Check covers_the_market of stocks/daily_bars failed."
    ]
