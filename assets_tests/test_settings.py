from datetime import date
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CANDLELAKE_HOME", raising=False)
    return tmp_path


def test_nothing_need_be_set(folder):
    settings = load_settings()
    assert settings.home == folder / "data"
    assert settings.lake == folder / "data" / "lake"
    assert settings.flat_files == "s3://flatfiles"
    assert settings.flat_files_endpoint == "https://files.massive.com"
    assert (settings.start, settings.end) == (date(2003, 9, 10), None)
    assert settings.max_bad_share == 0.2


def test_the_environment_wins_over_the_home_s_file_and_that_over_the_folder_s(folder, monkeypatch):
    (folder / "data").mkdir()
    (folder / "data" / "settings.env").write_text("CANDLELAKE_END=2013-02-08\nCANDLELAKE_RETENTION_DAYS=3\n")
    (folder / ".env").write_text(
        "CANDLELAKE_START=2010-01-04\nCANDLELAKE_END=2012-02-08\nCANDLELAKE_RETENTION_DAYS=4\n"
    )
    monkeypatch.setenv("CANDLELAKE_RETENTION_DAYS", "5")
    settings = load_settings()
    assert (settings.start, settings.end, settings.retention_days) == (date(2010, 1, 4), date(2013, 2, 8), 5)


def test_the_home_s_file_is_read_when_the_folder_s_file_names_the_home(folder):
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "settings.env").write_text("CANDLELAKE_FLAT_FILES=mirror\n")
    (folder / ".env").write_text("CANDLELAKE_HOME=elsewhere\n")
    settings = load_settings()
    assert (settings.home, settings.flat_files) == (folder / "elsewhere", "mirror")


def test_the_home_s_file_is_that_of_the_home_that_the_environment_names(folder, monkeypatch):
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "settings.env").write_text("CANDLELAKE_FLAT_FILES=mirror\n")
    monkeypatch.setenv("CANDLELAKE_HOME", "elsewhere")
    settings = load_settings()
    assert (settings.home, settings.flat_files) == (folder / "elsewhere", "mirror")


def test_a_home_may_begin_with_a_tilde(monkeypatch, folder):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("CANDLELAKE_HOME", "~/market")
    assert load_settings().home == Path(folder, "market")


def test_an_empty_value_is_as_good_as_none(monkeypatch):
    monkeypatch.setenv("CANDLELAKE_END", "")
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES_SECRET", "")
    settings = load_settings()
    assert (settings.end, settings.flat_files_secret) == (None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [("START", "soon"), ("MAX_BAD_SHARE", "1.5"), ("RETENTION_DAYS", "0"), ("END", "2024-02-30")],
)
def test_a_value_without_sense_is_named(monkeypatch, name, value):
    monkeypatch.setenv(f"CANDLELAKE_{name}", value)
    with pytest.raises(SettingsError, match=f"CANDLELAKE_{name}: "):
        load_settings()


def test_every_fault_is_told_at_once_and_no_secret(monkeypatch):
    monkeypatch.setenv("CANDLELAKE_START", "soon")
    monkeypatch.setenv("CANDLELAKE_RETENTION_DAYS", "few")
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES_SECRET", "planted-secret")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "CANDLELAKE_START" in str(refused.value)
    assert "CANDLELAKE_RETENTION_DAYS" in str(refused.value)
    assert "planted-secret" not in str(refused.value)


def test_a_secret_does_not_show_when_settings_are_printed(monkeypatch):
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES_SECRET", "planted-secret")
    settings = load_settings()
    assert settings.flat_files_secret.get_secret_value() == "planted-secret"
    assert "planted-secret" not in f"{settings!r} {settings}"
