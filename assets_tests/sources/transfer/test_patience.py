"""The intervals of trying again."""

import logging
from threading import Event

import pytest

from assets_tests.sources.s3_faults import Waits
from pipeline.errors import TransferFailed
from pipeline.sources.transfer import patience as patience_module
from pipeline.sources.transfer.landing import Interrupted
from pipeline.sources.transfer.patience import Patience


def test_a_wait_grows_within_its_jitter_up_to_the_longest() -> None:
    def waits_with(jitter: float) -> list[float]:
        waits = Waits()
        patience = Patience(
            attempts=5,
            first_wait=1,
            longest_wait=3,
            clock=lambda: waits.now,
            sleep=waits.sleep,
            jitter=lambda: jitter,
        )

        def fail() -> None:
            raise Interrupted("no", remedy="none")

        with pytest.raises(TransferFailed):
            patience.insist(fail, patience.deadline(), "a file")
        return waits.slept

    assert waits_with(1.0) == [1.0, 2.0, 3.0, 3.0]
    assert waits_with(0.0) == [0.5, 1.0, 1.5, 1.5]


def test_an_answer_that_misses_the_deadline_holds_nothing_up_and_every_wait_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience_module, "NOTICE_EVERY", 0.1)
    patience, never = Patience(seconds=0.2, grace=0.1), Event()
    with caplog.at_level(logging.WARNING), pytest.raises(TransferFailed, match="a file comes too slowly"):
        patience.insist(never.wait, patience.deadline(), "a file")
    never.set()
    assert "Waiting for a file: 0 s so far, 0 s at most." in caplog.text


def test_each_new_attempt_is_logged_with_its_cause_and_its_time(caplog: pytest.LogCaptureFixture) -> None:
    waits, answers = Waits(), iter([Interrupted("It broke off.", remedy="none", wait=7), "whole"])

    def attempt() -> str:
        answer = next(answers)
        if isinstance(answer, Interrupted):
            raise answer
        return answer

    patience = waits.patience(attempts=3)
    assert patience.insist(attempt, patience.deadline(), "a file") == "whole"
    assert caplog.messages == ["It broke off. Trying again in 7 s (attempt 2 of 3)."]
