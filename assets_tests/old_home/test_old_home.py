"""A home of an earlier version, moved or copied elsewhere: it opens, and all that a person does with one works.

`make.py` defines what is in it, and what its numbers must be.
"""

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from urllib.request import Request, urlopen

import duckdb
import polars as pl
import pytest
import yaml
from dagster import AssetCheckKey, AssetKey, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.definitions.selector import InstigatorSelector
from dagster._core.scheduler.instigation import InstigatorStatus

from assets_tests.commands import environment, served_ui, typed
from assets_tests.old_home.make import FIRST, LAST, SPLIT, TICKERS, close, sessions
from assets_tests.old_home.unpacked import MADE_IN, content, made_in, moved_into
from assets_tests.stocks import INDICATORS_TABLE
from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.lake.sql.duckdb_access import load_delta
from pipeline.orchestration.instance import open_instance
from pipeline.orchestration.instance_file import instance_config

SESSIONS = list(sessions(FIRST, LAST))
*_, RANKED, CORRECTED, NEWEST, LEFT = SESSIONS
RECORDED = {RANKED, CORRECTED, NEWEST}
"""The sessions whose runs were recorded."""
CORRECTION = {("AAP", CORRECTED): 0.5}
RUNS = 5
"""Three of sessions, one of reference data, and one of what that made outdated."""

BARS = AssetKey(["stocks", "daily_bars"])


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """Return the home, moved here as it was."""
    return moved_into(tmp_path_factory.mktemp("moved"))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Return the home as if it had been made here."""
    return made_in(tmp_path_factory.mktemp("original"))


@pytest.fixture(scope="module")
def copy(original, tmp_path_factory):
    """Return a copy of the home, in which the session that is left was run by typing so, while the original is there.

    It was run before the corrected past was computed again.
    """
    place = tmp_path_factory.mktemp("copy") / "of it"
    shutil.copytree(original, place)
    before = content(original)
    done = typed(place, "run", "--date", str(LEFT))
    assert done.returncode == 0, done.stderr
    assert content(original) == before, "a copy keeps to itself"
    return place


def expected_closes(until: date) -> dict[tuple[str, date], float]:
    days = [(ticker, day) for ticker in TICKERS for day in SESSIONS if day <= until]
    return {key: round(close(*key) + CORRECTION.get(key, 0.0), 2) for key in days}


def read(home: Path, table: Table) -> pl.DataFrame:
    return Lake(home / "lake").scan(table).collect()


def closes(answer):
    return {(row["ticker"], date.fromisoformat(row["session"])): row["close"] for row in json.loads(answer)}


def test_its_dagster_file_is_rewritten_when_it_is_opened(moved):
    assert MADE_IN in (moved / "dagster/dagster.yaml").read_text()
    with open_instance(moved):
        pass
    assert yaml.safe_load((moved / "dagster/dagster.yaml").read_text()) == instance_config()


def test_its_runs_are_there_with_what_they_made(moved):
    with open_instance(moved) as instance:
        runs = instance.get_runs()
        assert [run.job_name for run in runs].count("stocks_by_day") == 3
        assert {run.job_name for run in runs} == {"stocks_by_day", "reference_data", "restated_signals"}
        assert {run.status for run in runs} == {DagsterRunStatus.SUCCESS}
        assert instance.get_materialized_partitions(BARS) == {str(day) for day in RECORDED}
        events = [event for run in runs for event in instance.all_logs(run.run_id)]
        assert len(events) > 500
        checks = instance.event_log_storage.get_asset_check_execution_history(
            AssetCheckKey(BARS, "keeps_its_contract"), limit=9
        )
        assert len(checks) == 3


def test_its_schedule_and_sensor_are_still_on(moved):
    with open_instance(moved) as instance:
        assert {state.instigator_name for state in instance.all_instigator_state()} == {"every_session", "vendor_files"}
        for name in ("every_session", "vendor_files"):
            selector = InstigatorSelector(
                location_name="pipeline.definitions", repository_name="__repository__", name=name
            )
            state = instance.get_instigator_state("of whatever origin", selector.get_id())
            assert state.status == InstigatorStatus.RUNNING, "what the daemon asks"


def test_its_tables_hold_the_vendor_s_data(moved, ask_in):
    answer = ask_in(moved)("sql", "SELECT ticker, session, close FROM stocks.daily_bars", "--format", "json")
    assert closes(answer.data) == expected_closes(NEWEST)


def test_its_status_names_the_place_where_it_is_now_and_nothing_is_missing(moved, ask_in):
    status = json.loads(ask_in(moved)("status", "--json").data)
    assert status["lake"] == str(moved / "lake")
    assert status["missing"] == [str(LEFT)]
    assert status["replaced"] == [str(CORRECTED)]
    assert status["quarantined"] == {"high_below_low": 1, "open_or_close_outside_range": 1}


def test_every_file_of_it_is_as_it_was_written(moved, ask_in):
    answer = ask_in(moved)("verify", "--json")
    assert answer.code == 0, answer.data + answer.words


def test_its_positions_are_there_with_the_sale_and_the_split(moved, ask_in):
    positions = json.loads(ask_in(moved)("positions", "--json").data)
    assert {(row["ticker"], row["quantity"]) for row in positions if not row["is_closed"]} == {
        ("AAP", 20.0),
        (SPLIT, 20.0),
    }
    history = json.loads(ask_in(moved)("positions", "--history", "--json").data)
    assert sorted(row["event"] for row in history) == ["closed", "opened", "opened", "reduced"]


def test_its_lists_can_be_shown_as_they_were_published(moved, ask_in):
    answer = ask_in(moved)("candidates", "--date", str(CORRECTED), "--as-published", "--json")
    assert answer.code == 0, answer.words
    published = {row["ticker"]: row["close"] for row in json.loads(answer.data)}
    assert published["AAP"] == close("AAP", CORRECTED), "before the vendor corrected it"


def test_it_remembers_which_alerts_were_sent(moved):
    assert read(moved, ALERTS).select("session", "service", "part").rows() == [(NEWEST, "JSON", "message")]


def test_the_catalog_of_a_home_that_was_moved_shows_its_own_tables_after_a_command(tmp_path, ask_in):
    home = moved_into(tmp_path)
    assert MADE_IN.encode() in (home / "candlelake.duckdb").read_bytes()
    assert ask_in(home)("status").code == 0
    assert MADE_IN.encode() not in (home / "candlelake.duckdb").read_bytes()
    assert closes_in(home / "candlelake.duckdb") == expected_closes(NEWEST)


def closes_in(catalog: Path) -> dict[tuple[str, date], float]:
    with duckdb.connect(str(catalog), read_only=True) as client:
        load_delta(client)
        return {
            (ticker, day): price
            for ticker, day, price in client.execute("SELECT ticker, session, close FROM stocks.daily_bars").fetchall()
        }


@pytest.mark.thorough
def test_a_session_is_run_in_a_copy_and_recorded_there_alone(copy, original):
    with open_instance(copy) as instance:
        assert instance.get_materialized_partitions(BARS) == {str(day) for day in {*RECORDED, LEFT}}
        assert instance.get_runs_count() == RUNS + 1
    assert closes_in(copy / "candlelake.duckdb") == expected_closes(LEFT)


def test_that_session_s_list_ranks_old_bars_with_new_ones_and_has_its_page(copy, ask_in):
    listed = json.loads(ask_in(copy)("candidates", "--date", str(LEFT), "--json").data)
    assert {row["ticker"] for row in listed} == set(TICKERS)
    assert {row["close"] for row in listed} == {close(ticker, LEFT) for ticker in TICKERS}
    assert list((copy / "reports").rglob(f"*{LEFT}*"))


@pytest.mark.thorough
def test_what_the_correction_made_outdated_is_computed_again_in_the_copy(copy, ask_in):
    ask = ask_in(copy)
    assert str(NEWEST) in ask("restate", "--dry-run").data
    assert ask("restate").code == 0
    assert str(NEWEST) not in ask("restate", "--dry-run").data
    assert ask("verify").code == 0
    rows = read(copy, INDICATORS_TABLE).filter(ticker="AAP", session=NEWEST)
    last = [price for (ticker, _), price in sorted(expected_closes(NEWEST).items()) if ticker == "AAP"][-20:]
    assert rows["sma_20"].to_list() == [pytest.approx(sum(last) / 20, rel=1e-8)]


def test_dagster_s_own_programs_open_a_copy_that_no_command_of_ours_has_opened(original, tmp_path, monkeypatch):
    shutil.copytree(original / "dagster", tmp_path / "home/dagster")
    before = content(original)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home/dagster"))
    monkeypatch.setenv("CANDLELAKE_MOVED_FROM", "")
    with DagsterInstance.get() as daemon:
        daemon.add_run(DagsterRun(job_name="stocks_by_day", run_id="of-the-daemon"))
        assert daemon.get_runs_count() == RUNS + 1
    assert content(original) == before


SHOWN = """{
  runsOrError { ... on Runs { results { status } } }
  repositoriesOrError { ... on RepositoryConnection { nodes {
    schedules { name scheduleState { status } }
    sensors { name sensorState { status } }
  } } }
}"""


@pytest.mark.thorough
def test_the_ui_of_a_home_that_was_moved_shows_its_runs_its_pages_and_what_is_on(tmp_path):
    home = moved_into(tmp_path)
    (home / "reports").mkdir()
    (home / "reports/page.html").write_text("a page")
    with served_ui(home, tmp_path / "words.txt", "--read-only") as served:
        question = json.dumps({"query": SHOWN}).encode()
        request = Request(f"{served.dagster}/graphql", question, {"Content-Type": "application/json"})  # noqa: S310
        with urlopen(request) as answer:  # noqa: S310 (loopback)
            data = json.load(answer)["data"]
        with urlopen(f"{served.pages}/page.html") as page:  # noqa: S310 (loopback)
            assert page.read() == b"a page"
    assert [run["status"] for run in data["runsOrError"]["results"]] == ["SUCCESS"] * RUNS
    (repository,) = data["repositoriesOrError"]["nodes"]
    schedules = {one["name"]: one["scheduleState"]["status"] for one in repository["schedules"]}
    sensors = {one["name"]: one["sensorState"]["status"] for one in repository["sensors"]}
    assert [name for name, status in (schedules | sensors).items() if status == "RUNNING"] == [
        "every_session",
        "vendor_files",
    ]


@pytest.mark.thorough
def test_dagster_s_command_line_in_a_copy_changes_nothing_in_the_original(original, tmp_path):
    shutil.copytree(original, tmp_path / "home")
    before = content(original)
    places = environment(CANDLELAKE_HOME=str(tmp_path / "home"), DAGSTER_HOME=str(tmp_path / "home/dagster"))

    def output_of(*arguments: str) -> str:
        command = [Path(sys.executable).with_name("dagster"), "schedule", *arguments, "-m", "pipeline.definitions"]
        done = subprocess.run(command, env=places, capture_output=True, text=True, check=True)  # noqa: S603 (our own)
        return done.stdout

    output_of("start", "every_noon")
    assert "every_noon" in output_of("list", "--running", "--name")
    assert content(original) == before
    assert yaml.safe_load((tmp_path / "home/dagster/dagster.yaml").read_text()) == instance_config()
