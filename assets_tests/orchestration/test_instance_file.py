"""The `dagster.yaml` of homes: the content of a new one, and what becomes of those of older versions."""

import logging

import pytest
import yaml
from dagster import DagsterInstance, DagsterRun

import pipeline.orchestration.patches.event_log
from pipeline.errors import SettingsError
from pipeline.orchestration import instance_file
from pipeline.orchestration.instance import dagster_home, open_instance
from pipeline.orchestration.instance_file import EARLIER_MODULES, STORAGE_MODULE, instance_config, renew
from pipeline.orchestration.patches.event_log import HomeStorage

LATER = "pipeline.records"
"""A place that the storage might move to."""


def old_config(place, module="pipeline.event_log"):
    """Return what earlier versions wrote for a home whose runs are kept in `place`."""
    artifacts = {"module": "dagster._core.storage.root", "class": "LocalArtifactStorage"}
    storage = {"module": module, "class": "HomeStorage", "config": {"base_dir": str(place)}}
    return {
        "storage": {"custom": storage},
        "local_artifact_storage": artifacts | {"config": {"base_dir": str(place)}},
        "compute_logs": instance_config()["compute_logs"],
        **{name: instance_config()[name] for name in ("telemetry", "nux", "run_retries", "run_monitoring")},
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
    }


def oldest_config(place):
    """Return what the first version wrote."""
    logs = {"module": "dagster._core.storage.local_compute_log_manager", "class": "LocalComputeLogManager"}
    changed = {"sqlite": {"base_dir": str(place)}}, logs | {"config": {"base_dir": f"{place}/compute_logs"}}
    return old_config(place) | dict(zip(("storage", "compute_logs"), changed, strict=True))


def write(folder, content):
    (folder / "dagster.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def read(folder):
    return yaml.safe_load((folder / "dagster.yaml").read_text())


@pytest.fixture
def folder(tmp_path):
    """Return the folder of a record with something in it."""
    return recorded(tmp_path / "home" / "dagster")


def recorded(folder):
    (folder / "history").mkdir(parents=True)
    (folder / "history/runs.db").touch()
    return folder


def test_a_new_home_s_file_names_no_folder(tmp_path):
    folder = dagster_home(tmp_path / "home")
    assert str(tmp_path) not in (folder / "dagster.yaml").read_text()
    assert read(folder) == instance_config()


def test_the_storage_is_at_the_module_the_file_names_and_the_earlier_name_is_known():
    assert HomeStorage.__module__ == instance_file.STORAGE_MODULE
    assert pipeline.orchestration.patches.event_log.HomeStorage is HomeStorage
    assert "pipeline.event_log" in instance_file.EARLIER_MODULES


@pytest.mark.parametrize("content", [old_config, oldest_config])
def test_an_older_file_in_its_place_is_rewritten_without_a_word(folder, content, caplog):
    write(folder, content(folder))
    assert renew(folder) is None
    assert read(folder) == instance_config()
    assert caplog.messages == []


@pytest.mark.parametrize("content", [old_config, oldest_config])
def test_the_file_of_a_home_that_was_moved_is_rewritten(folder, tmp_path, content, caplog):
    before = tmp_path / "before" / "dagster"
    write(folder, content(before))
    with caplog.at_level(logging.WARNING):
        assert renew(folder) == str(before)
    assert read(folder) == instance_config()
    assert str(before) in caplog.text
    assert renew(folder) is None


def test_a_copy_of_a_home_that_is_still_there_keeps_to_itself(folder, tmp_path):
    original = recorded(tmp_path / "before" / "dagster")
    for place in (original, folder):
        write(place, old_config(original))
    assert renew(folder) == str(original)
    assert read(folder) == instance_config()
    assert read(original) == old_config(original)


def test_what_the_user_changed_beside_stays(folder, tmp_path):
    changed = old_config(tmp_path / "before" / "dagster") | {"run_monitoring": {"enabled": False}, "retention": {}}
    # As a program writes it, with its keys in alphabetical order.
    (folder / "dagster.yaml").write_text(yaml.safe_dump(changed))
    renew(folder)
    assert read(folder) == instance_config() | {"run_monitoring": {"enabled": False}, "retention": {}}


def test_a_record_that_the_user_keeps_elsewhere_stays_there(folder, tmp_path):
    chosen = recorded(tmp_path / "big disk" / "dagster")
    write(folder, old_config(chosen))
    assert renew(folder) is None
    assert read(folder) == old_config(chosen)


def test_a_record_that_two_homes_share_stays_shared(tmp_path):
    shared = recorded(tmp_path / "first" / "dagster")
    write(shared, instance_config())
    second = tmp_path / "second" / "dagster"
    second.mkdir(parents=True)
    write(second, old_config(shared))
    assert renew(second) is None
    assert read(second) == old_config(shared)


def test_a_file_in_which_the_user_moved_the_record_alone_stays(folder, tmp_path):
    content = old_config(folder)
    content["storage"]["custom"]["config"] = {"base_dir": str(tmp_path / "elsewhere")}
    write(folder, content)
    assert renew(folder) is None
    assert read(folder) == content


@pytest.mark.parametrize(
    "storage",
    [
        {"sqlite": {"base_dir": "/somewhere/dagster"}},
        {"postgres": {"postgres_url": "postgresql://"}},
        {"custom": {"module": "mine", "class": "HomeStorage", "config": {"base_dir": "."}}},
        {"custom": {"module": "pipeline.event_log", "class": "HomeStorage", "config": {}}},
        {
            "custom": {
                "module": "pipeline.orchestration.patches.event_log",
                "class": "HomeStorage",
                "config": {"base_dir": "runs"},
            }
        },
        {
            "custom": {
                "module": "pipeline.orchestration.patches.event_log",
                "class": "HomeStorage",
                "config": {"base_dir": {"env": "RUNS"}},
            }
        },
        7,
    ],
)
def test_a_storage_of_one_s_own_stays(folder, storage):
    content = instance_config() | {"storage": storage}
    write(folder, content)
    assert renew(folder) is None
    assert read(folder) == content


def test_no_file_and_no_yaml_are_left_to_dagster(folder):
    assert renew(folder) is None
    (folder / "dagster.yaml").write_text("storage: [")
    assert renew(folder) is None


def test_a_file_with_comments_stays_as_it_is_while_its_home_stays(folder):
    text = f"# mine\n{yaml.safe_dump(old_config(folder), sort_keys=False)}"
    (folder / "dagster.yaml").write_text(text)
    assert renew(folder) is None
    assert (folder / "dagster.yaml").read_text() == text


def test_a_file_with_comments_says_what_to_write_when_its_home_was_moved(folder, tmp_path):
    text = f"# mine\n{yaml.safe_dump(old_config(tmp_path / 'before' / 'dagster'), sort_keys=False)}"
    (folder / "dagster.yaml").write_text(text)
    with pytest.raises(SettingsError, match=r"base_dir: \.") as refused:
        dagster_home(folder.parent)
    assert str(folder / "dagster.yaml") in refused.value.message
    assert (folder / "dagster.yaml").read_text() == text


@pytest.mark.parametrize("content", [old_config, lambda _: instance_config()])
def test_a_home_follows_when_the_storage_moves_to_another_module(folder, monkeypatch, content):
    write(folder, content(folder))
    monkeypatch.setattr(instance_file, "EARLIER_MODULES", (*EARLIER_MODULES, STORAGE_MODULE))
    monkeypatch.setattr(instance_file, "STORAGE_MODULE", LATER)
    renew(folder)
    assert read(folder) == instance_config()
    assert read(folder)["storage"]["custom"]["module"] == LATER


def test_a_home_named_by_a_link_was_not_moved(folder, tmp_path, caplog):
    (tmp_path / "link").symlink_to(tmp_path / "home")
    write(folder, old_config(tmp_path / "link" / "dagster"))
    assert renew(folder) is None
    assert read(folder) == instance_config()


def test_runs_lie_beside_the_file_from_wherever_and_by_whatever_it_is_opened(tmp_path, monkeypatch):
    with open_instance(tmp_path / "home") as command_line:
        command_line.add_run(DagsterRun(job_name="stocks_by_day", run_id="a-run"))
        by_reference = command_line.get_ref()
    monkeypatch.chdir("/")
    with DagsterInstance.from_config(str(tmp_path / "home/dagster")) as by_folder:
        assert by_folder.get_run_by_id("a-run")
    with DagsterInstance.from_ref(by_reference) as by_process:
        assert by_process.get_run_by_id("a-run")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home/dagster"))
    with DagsterInstance.get() as by_variable:
        assert by_variable.get_run_by_id("a-run")


def test_a_copy_of_a_home_writes_its_runs_into_itself(tmp_path):
    with open_instance(tmp_path / "home") as original:
        original.add_run(DagsterRun(job_name="stocks_by_day", run_id="a-run"))
    (tmp_path / "home").rename(tmp_path / "moved")
    with open_instance(tmp_path / "moved") as moved:
        moved.add_run(DagsterRun(job_name="stocks_by_day", run_id="another-run"))
        assert {run.run_id for run in moved.get_runs()} == {"a-run", "another-run"}
    assert not (tmp_path / "home").exists()


def test_a_relative_folder_without_a_file_to_see_it_from_is_refused(tmp_path):
    with open_instance(tmp_path / "home") as instance:
        reference = instance.get_ref()
    (tmp_path / "home/dagster/dagster.yaml").unlink()
    with pytest.raises(SettingsError, match="DAGSTER_HOME"):
        DagsterInstance.from_ref(reference)


def test_dagster_s_own_programs_open_an_older_home_that_was_moved_and_so_do_those_they_start(tmp_path, monkeypatch):
    with open_instance(tmp_path / "before") as original:
        original.add_run(DagsterRun(job_name="stocks_by_day", run_id="a-run"))
    write(tmp_path / "before/dagster", old_config(tmp_path / "before/dagster"))
    (tmp_path / "before").rename(tmp_path / "home")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home/dagster"))
    monkeypatch.setenv(instance_file.MOVED_FROM, "")
    with DagsterInstance.get() as daemon:
        assert daemon.get_run_by_id("a-run")
        handed_on = daemon.get_ref()
    with DagsterInstance.from_ref(handed_on) as run:
        run.add_run(DagsterRun(job_name="stocks_by_day", run_id="another-run"))
    assert read(tmp_path / "home/dagster") == instance_config()
    assert not (tmp_path / "before").exists()
    with open_instance(tmp_path / "home") as command_line:
        assert command_line.get_runs_count() == 2
