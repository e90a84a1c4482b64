"""`demo`, `run` and `backfill`, as the commands that filled the home answered, and what stops them."""

import os
import re
import shlex
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from dagster import DagsterInstance

from assets_tests.cli.conftest import GAP, REPLACED, SESSIONS, THERE, Ask, Home, lay
from assets_tests.commands import environment, typed
from pipeline.cli.runs import stretches


def test_the_demo_lists_candidates_as_data_and_says_all_else_as_words(home: Home) -> None:
    assert f"trend · {SESSIONS[-1]}" in home.demo.stdout.splitlines()
    assert re.search(r"^1  \w+ +[+-]\d\.\d\d +[\d.]+  [A-Z]", home.demo.stdout, re.MULTILINE)
    assert "What to type next" in home.demo.stderr


def test_the_home_of_the_demo_can_be_moved(home: Home) -> None:
    for name in ("settings.env", "dagster/dagster.yaml"):
        assert str(home.path) not in (home.path / name).read_text()


def test_the_demo_shows_what_each_stage_made_and_how_long_it_took(home: Home) -> None:
    assert re.search(rf"raw files +{len(SESSIONS)} files +[\d.]+ s", home.demo.stderr)
    bars = re.search(r"bars +([\d,]+) rows, 0 quarantined +[\d.]+ s", home.demo.stderr)
    assert bars is not None
    assert int(bars[1].replace(",", "")) == home.sample_rows
    assert re.search(rf"indicators +{home.sample_rows} rows +[\d.]+ s", home.demo.stderr)
    assert re.search(r"candidates +\d+ rows +[\d.]+ s", home.demo.stderr)
    assert re.search(r"checks +\d+ passed +[\d.]+ s", home.demo.stderr)


def test_nothing_but_text_goes_to_a_file(home: Home) -> None:
    for answer in (home.demo, home.gap, home.around, home.again):
        assert "\x1b" not in answer.stdout + answer.stderr
        assert "\r" not in answer.stdout + answer.stderr
        assert "Warning" not in answer.stderr


def test_what_the_demo_says_to_type_next_works(home: Home) -> None:
    lines = [line for line in home.demo.stderr.splitlines() if " --home " in line]
    assert len(lines) == 5
    for line in lines[:3]:
        program, *arguments = shlex.split(line)
        answer = subprocess.run(  # noqa: S603 (the line that the demo prints)
            [program, *arguments],
            cwd=home.path.parent,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr


def test_a_range_with_a_missing_file_runs_nothing_and_names_it(home: Home) -> None:
    assert home.gap.returncode == 1
    assert home.gap.stdout == ""
    assert home.gap.stderr.startswith(f"error: 1 of 3 sessions have no file: {GAP}.")
    assert "--skip-missing" in home.gap.stderr
    assert len(home.gap.stderr.splitlines()) == 1


def test_skip_missing_runs_the_sessions_around_the_gap(home: Home) -> None:
    assert home.around.returncode == 0, home.around.stderr
    assert f"1 of 3 sessions have no file and are left out: {GAP}" in home.around.stderr
    assert "1 quarantined" in home.around.stderr
    assert f"2 sessions, {THERE} to {REPLACED} (2 runs)" in home.around.stderr


def test_a_session_is_run_again_when_its_file_was_replaced(home: Home) -> None:
    assert home.again.returncode == 0, home.again.stderr
    assert "raw files   1 file " in home.again.stderr


def test_what_a_replaced_file_changed_is_one_line(home: Home) -> None:
    (line,) = [line for line in home.again.stderr.splitlines() if line.startswith("  changed ")]
    assert line.startswith("  changed     1 bar altered")
    for first_time in (home.demo, home.around):
        assert "changed" not in first_time.stderr


def test_stretches_are_unbroken() -> None:
    days = [date(2024, 1, day) for day in (2, 3, 4, 5, 8)]
    assert list(stretches(days, {days[0], days[1], days[3], days[4]})) == [days[:2], days[3:]]
    assert list(stretches(days, set(days))) == [days]
    assert list(stretches(days, set())) == []


def test_an_end_before_the_start_is_a_wrong_call(ask: Ask) -> None:
    answer = ask("backfill", "--start", "2004-01-05", "--end", "2003-01-05")
    assert (answer.code, answer.data) == (2, "")
    assert "2003-01-05 lies before --start 2004-01-05" in answer.words


def test_a_day_without_trading_cannot_be_run(ask: Ask) -> None:
    answer = ask("run", "--date", "2004-07-05")
    assert answer.code == 2
    assert (
        "2004-07-05 is a Monday without trading; the sessions around it are 2004-07-02 and 2004-07-06" in answer.words
    )


def test_the_demo_leaves_a_home_with_other_tables_alone(tmp_path: Path) -> None:
    (tmp_path / "mine" / "lake").mkdir(parents=True)
    answer = typed(tmp_path / "mine", "demo")
    assert answer.returncode == 1
    assert "tables that are not the demo's" in answer.stderr
    assert [entry.name for entry in (tmp_path / "mine").iterdir()] == ["lake"]


def test_a_refused_file_is_one_line_with_its_remedy(tmp_path: Path) -> None:
    lay(tmp_path / "vendor", SESSIONS[0], ["not,a,day,file", "1,2,3,4"])
    answer = typed(tmp_path / "home", "run", "--date", str(SESSIONS[0]), CANDLELAKE_FLAT_FILES=str(tmp_path / "vendor"))
    assert answer.returncode == 1
    errors = [line for line in answer.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert str(SESSIONS[0]) in errors[0]
    assert "Traceback" not in answer.stderr


@pytest.mark.thorough
@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is a signal on POSIX only")
def test_an_interrupted_run_ends_with_one_line_and_is_marked_as_failed(home: Home, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "--home", str(tmp_path / "home"), "backfill"]
    settings = environment(
        CANDLELAKE_FLAT_FILES=str(home.path / "sample"), DAGSTER_HOME="", CANDLELAKE_END=str(SESSIONS[-1])
    )
    with subprocess.Popen(  # noqa: S603 (our own command)
        [*command, "--start", str(SESSIONS[0]), "--end", str(SESSIONS[-1])],
        cwd=tmp_path,
        env=settings,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130, rest
    assert first.startswith("vendor files")
    assert rest.splitlines()[-1].startswith("error: Interrupted.")
    assert "Traceback" not in rest
    with DagsterInstance.from_config(str(tmp_path / "home" / "dagster")) as instance:
        runs = {run.job_name: run.status.value for run in instance.get_runs()}
    assert runs == {"reference_data": "SUCCESS", "stocks_by_day": "FAILURE"}


@pytest.mark.thorough
def test_loading_the_pipeline_leaves_its_objects_out_of_later_searches_for_garbage() -> None:
    loading = (
        "import gc\n"
        "from pipeline.cli.runs import load_pipeline\n"
        "load_pipeline()\n"
        "frozen = gc.get_freeze_count()\n"
        "load_pipeline()\n"
        "assert gc.isenabled()\n"
        "assert frozen > 100_000\n"
        "assert gc.get_freeze_count() <= frozen\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", loading], check=True, env=environment())  # noqa: S603
