"""The instance that command line and UI share."""

import shutil
from pathlib import Path

import yaml
from dagster import DagsterInstance, DagsterRun

from pipeline.orchestration.instance import dagster_home, open_instance
from pipeline.orchestration.instance_file import instance_config
from pipeline.orchestration.patches.event_log import BatchedSqliteEventLog

PROJECT = Path(__file__).parents[2]


def test_the_project_folder_s_file_is_that_of_the_default_home_but_lets_the_storage_follow_the_settings():
    expected = instance_config()
    expected["storage"]["custom"]["config"] = {}
    assert yaml.safe_load((PROJECT / "dagster.yaml").read_text()) == expected


def test_the_project_folder_s_instance_shows_the_runs_of_the_home_that_is_set(tmp_path, monkeypatch):
    monkeypatch.setenv("CANDLELAKE_HOME", str(tmp_path / "home"))
    with open_instance(tmp_path / "home") as command_line:
        command_line.add_run(DagsterRun(job_name="stocks_by_day", run_id="a-run"))
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    with DagsterInstance.from_config(str(tmp_path)) as ui:
        assert ui.get_run_by_id("a-run").job_name == "stocks_by_day"


def test_a_home_gets_its_own_instance_with_everything_in_it(tmp_path):
    with open_instance(tmp_path) as instance:
        assert Path(instance.root_directory) == tmp_path / "dagster"
        assert isinstance(instance.event_log_storage, BatchedSqliteEventLog)
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert instance.run_retries_enabled
    assert (tmp_path / "dagster" / "history" / "runs").is_dir()


def test_what_the_user_changed_in_the_file_stays(tmp_path):
    folder = dagster_home(tmp_path)
    changed = yaml.safe_load((folder / "dagster.yaml").read_text()) | {"run_monitoring": {"enabled": False}}
    (folder / "dagster.yaml").write_text(yaml.safe_dump(changed))
    with open_instance(tmp_path) as instance:
        assert not instance.run_monitoring_enabled


def test_a_dagster_home_that_the_user_set_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    assert dagster_home(tmp_path / "home") == tmp_path / "mine"
    assert not (tmp_path / "home").exists()


def test_a_relative_dagster_home_is_handed_on_in_full_as_dagster_s_own_programs_need_it(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", "mine")
    assert dagster_home(tmp_path / "home") == tmp_path / "mine"


def test_the_storage_without_a_folder_is_in_the_home_of_the_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("CANDLELAKE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    storage = {"custom": {"module": "pipeline.orchestration.patches.event_log", "class": "HomeStorage", "config": {}}}
    (folder / "dagster.yaml").write_text(yaml.safe_dump({"storage": storage, "telemetry": {"enabled": False}}))
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    with open_instance(tmp_path / "home"):
        assert (tmp_path / "home" / "dagster" / "history" / "runs").is_dir()


def test_two_openings_of_a_home_see_the_same_runs(tmp_path):
    with open_instance(tmp_path) as command_line, open_instance(tmp_path) as ui:
        command_line.add_run(DagsterRun(job_name="stocks_by_day", run_id="a-run"))
        assert ui.get_run_by_id("a-run").job_name == "stocks_by_day"
