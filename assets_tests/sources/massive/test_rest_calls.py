"""The calls a minute: counted together by all who name one file, in this process or another."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pydantic import SecretStr

from assets_tests.sources.vendor_rest import KEY, SPLITS, say
from pipeline.errors import SettingsError, TransferFailed
from pipeline.sources.massive.rest import Rest
from pipeline.sources.transfer.patience import Patience


@pytest.fixture
def session(vendor, tmp_path):
    """Makes sessions of two calls a minute that wait for their turn a fifth of a second."""

    def session(file=tmp_path / "new" / "calls.sqlite"):
        # Nothing else than a turn is bounded: the patience's own clock stands still.
        patience = Patience(seconds=0.2, first_wait=0.01, attempts=2, clock=lambda: 0.0, grace=60.0)
        return Rest(vendor.url, SecretStr(KEY), calls_per_minute=2, calls_file=file, patience=patience)

    return session


def test_a_call_beyond_the_limit_waits_for_its_turn_and_is_never_sent_before(session, vendor):
    with session() as first, session() as second:
        first.get(SPLITS)
        second.get(SPLITS)
        for one in (first, second):
            with pytest.raises(TransferFailed, match="other runs use up CANDLELAKE_REST_CALLS_PER_MINUTE"):
                one.get(SPLITS)
    assert len(vendor.requests) == 2


def test_the_calls_of_another_process_count_too(session, vendor, tmp_path):
    program = f"""
from pathlib import Path
from pydantic import SecretStr
from pipeline.sources.massive.rest import Rest
with Rest({vendor.url!r}, SecretStr({KEY!r}), calls_per_minute=2, calls_file=Path("calls.sqlite")) as rest:
    rest.get({SPLITS!r})
    rest.get({SPLITS!r})
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)  # noqa: S603 (our own program)
    with session(tmp_path / "calls.sqlite") as rest, pytest.raises(TransferFailed, match="other runs"):
        rest.get(SPLITS)


def test_calls_of_more_than_a_minute_ago_do_not_count(session):
    with time_machine.travel(datetime.now(UTC) - timedelta(seconds=61)), session() as earlier:
        earlier.get(SPLITS)
        earlier.get(SPLITS)
    with session() as rest:
        rest.get(SPLITS)
        rest.get(SPLITS)


def test_without_a_file_each_session_counts_for_itself(session, vendor):
    for _ in range(2):
        with session(None) as rest:
            rest.get(SPLITS)
            rest.get(SPLITS)
    assert len(vendor.requests) == 4


def test_each_attempt_is_a_call(session, vendor):
    vendor.faults = [say("", 500)]
    with session() as rest:
        rest.get(SPLITS)
        with pytest.raises(TransferFailed, match="other runs"):
            rest.get(SPLITS)
    assert len(vendor.requests) == 2


def test_a_limit_of_nothing_is_refused(vendor):
    with pytest.raises(SettingsError, match="CANDLELAKE_REST_CALLS_PER_MINUTE is 0"):
        Rest(vendor.url, SecretStr(KEY), calls_per_minute=0)


def test_a_file_that_cannot_count_is_named(session, tmp_path):
    (tmp_path / "calls.sqlite").write_text("this is no database, and long enough to be seen as none")
    with pytest.raises(SettingsError, match=r"calls\.sqlite"):
        session(tmp_path / "calls.sqlite")
    with pytest.raises(SettingsError, match="below"):
        session(tmp_path / "calls.sqlite" / "below")


def test_calls_that_a_clock_ahead_of_time_counted_do_not_use_up_the_limit(session):
    with time_machine.travel(datetime.now(UTC) + timedelta(days=40)), session() as ahead:
        ahead.get(SPLITS)
        ahead.get(SPLITS)
    with session() as rest:
        rest.get(SPLITS)
        rest.get(SPLITS)
