"""`candlelake alerts test`, with a Telegram on loopback."""

from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from assets_tests.cli.conftest import Ask
from assets_tests.telegram import CHAT, TOKEN, Telegram


@pytest.fixture
def telegram(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Telegram:
    return Telegram(httpserver, monkeypatch)


@pytest.fixture
def ask(ask_in, tmp_path: Path) -> Ask:
    return ask_in(tmp_path / "home")


def test_every_channel_gets_a_test_message_and_a_line_says_what_became_of_it(
    ask: Ask, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv(
        "CANDLELAKE_ALERTS", f"{telegram.address()}\n bogus://{TOKEN}, {telegram.address(chat=CHAT + 1)}"
    )
    answer = ask("alerts", "test")
    assert (answer.code, answer.words) == (1, "")
    ok, unknown, wrong = answer.data.splitlines()
    assert ok == "ok    Telegram    took the test message"
    assert unknown.startswith("FAIL  unknown     apprise does not understand its address")
    assert wrong.startswith("FAIL  Telegram 2  it answered 400: ")
    assert TOKEN not in answer.data
    assert telegram.messages == [
        "candlelake\nAlerts\nThis is a test: candidates and sell signals of every session will come here."
    ]


def test_all_is_well_with_code_0(ask: Ask, telegram: Telegram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDLELAKE_ALERTS", telegram.address())
    answer = ask("alerts", "test")
    assert (answer.code, answer.data) == (0, "ok    Telegram  took the test message\n")


def test_a_test_is_not_an_alert(ask: Ask, telegram: Telegram, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CANDLELAKE_ALERTS", telegram.address())
    ask("alerts", "test")
    assert not (tmp_path / "home").exists()


def test_without_a_channel_it_says_how_to_set_one(ask: Ask) -> None:
    answer = ask("alerts", "test")
    assert (answer.code, answer.data) == (1, "")
    assert "CANDLELAKE_ALERTS" in answer.words


def test_it_explains_itself(ask: Ask) -> None:
    assert ask("alerts", "test", "--help").code == 0
    assert "test" in ask("alerts", "--help").data
    assert ask("alerts").code == 2
