"""The morning edition from the command line: before the file is there, and what the file changes."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from assets_tests.assets.reference_runs import ReferenceFolder, security
from assets_tests.cli.conftest import Ask, lay
from assets_tests.commands import typed
from assets_tests.sources.vendor_aggregates import AggregatesApi, bar
from assets_tests.sources.vendor_rest import KEY
from assets_tests.vendor_day import HEADER, row

THU, FRI = date(2024, 1, 4), date(2024, 1, 5)


@pytest.fixture
def api(httpserver: HTTPServer) -> AggregatesApi:
    api = AggregatesApi(httpserver)
    api.days = {FRI: {"AAPL": bar(11), "IBM": bar(12)}}
    return api


@pytest.mark.thorough
def test_a_session_without_a_file_is_run_from_the_rest_api_and_put_right_by_its_file(
    tmp_path: Path, api: AggregatesApi, ask_in: Callable[[Path], Ask]
) -> None:
    vendor, home = tmp_path / "vendor", tmp_path / "home"
    lay(vendor, THU, [HEADER, row(THU, "AAPL")])
    ReferenceFolder(tmp_path).tell(tickers=[security("AAPL"), security("IBM")])
    settings = {
        "CANDLELAKE_REFERENCE": str(tmp_path / "reference"),
        "CANDLELAKE_FLAT_FILES": str(vendor),
        "CANDLELAKE_REST_URL": api.url,
        "CANDLELAKE_REST_KEY": KEY,
        "CANDLELAKE_REST_CALLS_PER_MINUTE": "10000",
    }
    morning = typed(home, "run", "--date", str(FRI), **settings)
    assert morning.returncode == 0, morning.stderr
    warning = f"1 of 1 sessions have no flat file yet, the bars are the morning edition: {FRI}."
    assert warning in " ".join(morning.stderr.split())
    assert "vendor answers: 1" in morning.stderr
    assert KEY not in morning.stderr

    found = json.loads(ask_in(home)("status", "--json").data)
    assert (found["provisional"], found["replaced"]) == ([str(FRI)], [])
    assert f"sessions provisional    1  {FRI}" in ask_in(home)("status").data

    lay(vendor, FRI, [HEADER, row(FRI, "AAPL", "11"), row(FRI, "IBM", "12.5"), row(FRI, "KO")])
    noon = typed(home, "run", "--date", str(FRI), **settings)
    assert noon.returncode == 0, noon.stderr
    assert "  changed     1 bar altered, 1 added\n" in noon.stderr
    assert "morning edition" not in noon.stderr

    found = json.loads(ask_in(home)("status", "--json").data)
    assert (found["provisional"], found["replaced"]) == ([], []), "the vendor replaced no file"


def test_without_a_key_the_error_says_that_one_would_help(tmp_path: Path) -> None:
    lay(tmp_path / "vendor", THU, [HEADER, row(THU, "AAPL")])
    answer = typed(tmp_path / "home", "run", "--date", str(FRI), CANDLELAKE_FLAT_FILES=str(tmp_path / "vendor"))
    assert answer.returncode == 1
    assert "1 of 1 sessions have no file: 2024-01-05." in answer.stderr
    assert "CANDLELAKE_REST_KEY" in answer.stderr


@pytest.mark.thorough
def test_doctor_says_where_sessions_come_from_without_flat_files(
    ask_in: Callable[[Path], Ask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ask_in(tmp_path / "home")
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES", "rest")
    assert "CANDLELAKE_REST_KEY must be set" in " ".join(ask("doctor").data.split())
    monkeypatch.setenv("CANDLELAKE_REST_KEY", KEY)
    monkeypatch.setenv("CANDLELAKE_TICKERS", "AAPL,IBM")
    output = " ".join(ask("doctor").data.split())
    assert "ok day files none: sessions come from https://api.massive.com, for AAPL, IBM" in output
    assert KEY not in output
