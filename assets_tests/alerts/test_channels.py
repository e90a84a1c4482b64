"""Sending to a Telegram on loopback: text, document, and every way in which it can fail."""

import logging
import socket
import threading

import pytest
from apprise.plugins.telegram import NotifyTelegram
from pydantic import SecretStr

from assets_tests.alerts.days import FRI, a_day, listed
from assets_tests.telegram import CHAT, TOKEN, Telegram
from pipeline.alerts.channels import channels_of
from pipeline.alerts.message import session_message
from pipeline.alerts.wording import Line, Message, Section

MESSAGE = session_message(a_day(), ("trend",), 5)
OTHER_TOKEN = "1234567890:AAFother"


@pytest.fixture
def telegram(httpserver, monkeypatch):
    return Telegram(httpserver, monkeypatch)


def channel(address):
    (only,) = channels_of([SecretStr(address)])
    return only


def test_a_message_arrives_with_its_title_as_it_would_read_on_a_phone(telegram):
    assert channel(telegram.address()).send(MESSAGE) is None
    assert telegram.messages == [
        "Candidates of 2024-01-05\n"
        "trend: 3,120 of 10,171 passed\n"
        "1 GOOG 101.00 (+1.00): Up 12.0 % in 60 days\n"
        "2 IBM 102.00 (+0.50): Up 12.0 % in 60 days\n"
        "\u200b\n"
        "Data in order"
    ]


def test_what_a_vendor_wrote_arrives_as_text(telegram):
    evil = "<b>A&B</b> [x](y) *z*"
    message = Message("Candidates", (Section("trend", (Line("1", evil, evil),)),))
    assert channel(telegram.address()).send(message) is None
    assert telegram.messages == [f"Candidates\ntrend\n1 {evil} {evil}"]


def test_the_longest_message_is_one_message(telegram):
    day = a_day(listed=listed(FRI, *(f"{n:03}&&&&&&" for n in range(500)), reason="<&>" * 100))
    assert channel(telegram.address()).send(session_message(day, ("trend",), 500)) is None
    (message,) = telegram.messages
    assert " more" in message


def test_a_page_arrives_as_a_document_under_the_name_it_was_given(telegram, tmp_path):
    page = tmp_path / "100% odd?name=#1.html"
    page.write_bytes(b"<!doctype html>\xc3\xa9" * 50_000)
    to = channel(telegram.address())
    assert to.takes_documents
    assert to.send_document(page, "candidates-2024-01-05.html", "Candidates of 2024-01-05") is None
    assert telegram.documents == {"candidates-2024-01-05.html": page.read_bytes()}
    assert telegram.messages == [], "its caption goes with it"


def test_a_page_that_is_gone_is_a_failure(telegram, tmp_path):
    assert channel(telegram.address()).send_document(tmp_path / "none.html", "a.html", "A") is not None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "does not know the chat"),
        (401, "does not accept the token"),
        (403, "blocked"),
        (404, "does not know the token"),
        (413, "too large"),
        (418, "it answered 418"),
        (429, "too many messages"),
        (500, "it answered 500: a fault of its own"),
        (502, "it answered 502: a fault of its own"),
    ],
)
def test_a_refusal_is_explained_by_its_status(telegram, status, reason):
    telegram.will_answer(status, description=f"it says {TOKEN} error=200", parameters={"retry_after": 30})
    answer = channel(telegram.address()).send(MESSAGE)
    assert reason in answer
    assert f"it answered {status}" in answer
    assert TOKEN not in answer
    assert telegram.messages == []


def test_telegram_itself_refuses_a_wrong_token_and_an_unknown_chat(telegram):
    assert "401" in channel(telegram.address(token=OTHER_TOKEN)).send(MESSAGE)
    assert "400" in channel(telegram.address(chat=CHAT + 1)).send(MESSAGE)


def test_after_a_passing_fault_it_tries_once_more(telegram):
    telegram.will_answer(500, description="Internal Server Error")
    assert channel(telegram.address(retry=1)).send(MESSAGE) is None
    assert (telegram.calls, len(telegram.messages)) == (2, 1)


def test_by_default_a_message_is_tried_twice_and_an_answer_may_take_twenty_seconds():
    plugin = channel(f"tgram://{TOKEN}/{CHAT}")._plugin
    assert (plugin.retry, plugin.request_timeout[1]) == (1, 20)
    own = channel(f"tgram://{TOKEN}/{CHAT}?retry=3&rto=7")._plugin
    assert (own.retry, own.request_timeout[1]) == (3, 7)


def test_no_answer_in_time_is_a_failure(telegram):
    received, over = threading.Event(), threading.Event()

    def late(_request):
        received.set()
        over.wait(10)
        return telegram._refusal(500)

    telegram.server.clear()
    telegram.server.expect_request(f"/bot{TOKEN}/sendMessage").respond_with_handler(late)
    answer = channel(telegram.address(rto=0.2)).send(MESSAGE)
    over.set()
    assert received.is_set()
    assert "did not answer in time" in answer


def test_a_refused_connection_is_a_failure(telegram, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # (bound and not listening: no other process gets the port, and nothing answers)
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"http://127.0.0.1:{taken.getsockname()[1]}/bot")
        assert "could not be reached" in channel(telegram.address()).send(MESSAGE)


def test_an_answer_cut_off_is_a_failure(telegram):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def cut_off():
            connection, _ = server.accept()
            connection.recv(1000)
            connection.close()

        thread = threading.Thread(target=cut_off)
        thread.start()
        answer = channel(f"json://127.0.0.1:{server.getsockname()[1]}/?retry=0").send(MESSAGE)
        thread.join()
    assert "could not be reached" in answer


def test_the_words_of_a_fault_in_the_service_s_own_code_are_not_passed_on(telegram, monkeypatch, caplog):
    def breaks(*_, **__):
        raise RuntimeError(f"sending to {TOKEN}")

    monkeypatch.setattr(NotifyTelegram, "send", breaks)
    with caplog.at_level(logging.DEBUG):
        answer = channel(telegram.address()).send(MESSAGE)
    assert answer is not None
    assert TOKEN not in answer + caplog.text


@pytest.mark.parametrize(
    "address", ["nosuchservice://planted", "tgram://planted", "tgram://12345", "tgram://", "mailto://", "json://"]
)
def test_an_address_that_apprise_does_not_understand_is_a_channel_that_fails(address, caplog, tmp_path):
    with caplog.at_level(logging.DEBUG):
        wrong = channel(address)
        assert "does not understand its address" in wrong.send(MESSAGE)
        assert "does not understand its address" in wrong.send_document(tmp_path, "a", "b")
    assert (wrong.name, wrong.takes_documents) == ("unknown", False)
    assert "planted" not in f"{wrong!r} {wrong.send(MESSAGE)} {caplog.text}"


def test_channels_are_named_by_their_service_and_numbered(telegram):
    addresses = [telegram.address(), "json://127.0.0.1/x", telegram.address(chat=5), telegram.address(), "bogus://x"]
    found = channels_of([SecretStr(address) for address in addresses])
    assert [one.name for one in found] == ["Telegram", "JSON", "Telegram 2", "unknown"]
    assert len({one.fingerprint for one in found}) == 4


def test_a_fingerprint_is_that_of_the_address_in_every_process_and_has_no_part_of_it(telegram):
    address = f"tgram://{TOKEN}/{CHAT}"
    assert channel(address).fingerprint == channel(address).fingerprint == "94422a9d97ca3189"


def test_other_services_get_their_own_format(httpserver):
    bodies = []
    httpserver.expect_request("/plain").respond_with_handler(lambda request: bodies.append(request.get_json()))
    evil = "<b>A&B</b> *z*"
    message = Message("Candidates", (Section("trend", (Line("1", evil, "up"),)),))
    assert channel(f"json://127.0.0.1:{httpserver.port}/plain?retry=0").send(message) is None
    ((title, body),) = [(one["title"], one["message"]) for one in bodies]
    assert (title, body) == ("Candidates", f"trend\n1 {evil} up")


def test_nothing_of_an_address_is_logged_at_any_level(telegram, caplog, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p>")
    for name in ("apprise", "urllib3", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        for attempt in ("well", "badly"):
            if attempt == "badly":
                for _ in range(2):
                    telegram.will_answer(500, description=f"{TOKEN}")
            to = channel(telegram.address())
            to.send(MESSAGE)
            to.send_document(page, "a.html", "A")
        channel("tgram://planted/x").send(MESSAGE)
    assert telegram.calls == 4
    for secret in (TOKEN, TOKEN.partition(":")[2], str(CHAT), "planted"):
        assert secret not in caplog.text


def test_others_may_log_what_they_send_before_and_after(telegram, caplog):
    channel(telegram.address()).send(MESSAGE)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("urllib3.connectionpool").debug("of a vendor's file")
    assert "of a vendor's file" in caplog.text
