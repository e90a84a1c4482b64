"""No secret of a channel's address comes to light: planted in every place of one, then searched for in everything."""

import gzip
import io
import logging
import subprocess
import sys
import traceback
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
import time_machine
from apprise import Apprise

from assets_tests.dagster_runs import run
from assets_tests.telegram import CHAT, TOKEN, Telegram
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.alerts import ALERTS
from pipeline.lake.lake import Lake
from pipeline.orchestration.instance import open_instance

THU, FRI = date(2024, 1, 4), date(2024, 1, 5)
SATURDAY = datetime(2024, 1, 6, 17, tzinfo=UTC)

WRONG_TOKEN = "555555555:BBwrongwrongwrongwrongwrongwrongwro"
PASSWORD, PATH, QUERY, HEADER, UNKNOWN = (f"{word}PlantedSecret" for word in ("pass", "path", "query", "header", "odd"))

SECRETS = {
    form
    for secret in (TOKEN, WRONG_TOKEN, PASSWORD, PATH, QUERY, HEADER, UNKNOWN, str(CHAT))
    for form in (secret, secret.partition(":")[2] or secret, quote(secret, safe=""))
}


@pytest.fixture
def telegram(httpserver, monkeypatch):
    return Telegram(httpserver, monkeypatch)


@pytest.fixture
def everything_logged(caplog):
    """Log everything of every library, as when looking for a fault."""
    for name in ("", "apprise", "urllib3", "urllib3.connectionpool", "requests", "dagster"):
        caplog.set_level(logging.DEBUG, logger=name or None)
    return caplog


def addresses(telegram):
    """Return channels of every kind of fate: one that works, and others that fail in all the ways there are."""
    closed = "127.0.0.1:1"
    return [
        telegram.address(),
        telegram.address(token=WRONG_TOKEN),
        f"json://somebody:{PASSWORD}@{closed}/{PATH}?retry=0&-{QUERY}={QUERY}&+X-Key={HEADER}",
        f"mailto://somebody:{PASSWORD}@example.com/?smtp=127.0.0.1&port=1&retry=0&to=me@example.com",
        f"tgram://{UNKNOWN}",
        f"nosuchservice://{UNKNOWN}@host",
    ]


def texts_under(folder):
    """Yield the content of every file, compressed ones also as what they hold."""
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            yield file, content
            if file.suffix == ".parquet":
                yield file, str(pl.read_parquet(io.BytesIO(content)).to_dicts()).encode()
            if file.suffix == ".gz":
                yield file, gzip.decompress(content)


def found(words, texts):
    return {(word, str(where)) for where, content in texts for word in words if word.encode() in content}


def test_no_secret_is_left_in_the_home_in_a_log_or_in_an_error(telegram, tmp_path, everything_logged, capfd):
    vendor = VendorFolder(tmp_path)
    for session in (THU, FRI):
        vendor.lay(session, row(session, "GOOG"))
    settings = vendor.settings(alerts=addresses(telegram))
    errors = []
    with time_machine.travel(SATURDAY), open_instance(settings.home) as dagster:
        run(settings, [THU, FRI], instance=dagster)
        # The ledger is damaged: the run fails, with all the messages that follow.
        blocked = Path(Lake(settings.lake).uri(ALERTS))
        blocked.rename(tmp_path / "ledger")
        blocked.write_text("no folder")
        with pytest.raises(Exception) as failed:  # noqa: PT011 (any: its words are what is looked at)
            run(settings, [FRI], instance=dagster)
        errors.append("".join(traceback.format_exception(failed.value)))
        (latest,) = dagster.get_run_records(limit=1)
        events = [str(entry) for entry in dagster.all_logs(latest.dagster_run.run_id)]
    captured = capfd.readouterr()
    outputs = {
        "log": everything_logged.text,
        "stdout": captured.out,
        "stderr": captured.err,
        "error": "".join(errors),
        "events": "".join(events),
        "settings": f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}",
    }
    # A message to each of the two channels, and the page to the one that took it.
    sent = (telegram.calls, len(telegram.messages), len(telegram.documents))
    assert sent == (3, 1, 1), "nothing is sent where it cannot be entered"

    texts = [*texts_under(settings.home), *texts_under(tmp_path / "ledger")]
    texts += [(where, words.encode()) for where, words in outputs.items()]
    seen = found(["GOOG", "reached_every_channel", "it does not accept the token", "no folder"], texts)
    assert {word for word, _ in seen} >= {"GOOG", "reached_every_channel", "it does not accept the token"}
    assert {where for word, where in seen if word == "reached_every_channel"} >= {"events"}
    assert found(SECRETS, texts) == set()


def test_the_search_finds_a_secret_that_apprise_logs(telegram, everything_logged):
    Apprise.instantiate(telegram.address()).notify(body="left to itself")
    assert TOKEN in everything_logged.text


def test_an_error_in_the_settings_shows_no_secret():
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "--debug", "status"],
        env={"CANDLELAKE_ALERTS": f"{PASSWORD} tgram://{TOKEN},json://{PASSWORD}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "CANDLELAKE_ALERTS" in done.stderr
    assert not [secret for secret in SECRETS if secret in done.stderr + done.stdout]
