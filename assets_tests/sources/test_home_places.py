"""Folders that a home's own settings name: relative to the home, wherever it is."""

from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import load_settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANDLELAKE_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def says(home: Path, **settings: str) -> None:
    (home / "settings.env").write_text("".join(f"CANDLELAKE_{name}={value}\n" for name, value in settings.items()))


def test_a_folder_is_seen_from_the_home_that_names_it(home):
    says(home, FLAT_FILES="mirror", REFERENCE="../answers", LAKE="tables")
    settings = load_settings()
    assert settings.flat_files == str(home / "mirror")
    assert settings.reference == home / "../answers"
    assert settings.lake == home / "tables"


def test_a_whole_path_is_taken_as_it_is(home, tmp_path):
    says(home, FLAT_FILES=str(tmp_path / "mirror"), REFERENCE="~/answers", LAKE=str(tmp_path / "tables"))
    settings = load_settings()
    assert settings.flat_files == str(tmp_path / "mirror")
    assert settings.reference == Path.home() / "answers"
    assert settings.lake == tmp_path / "tables"


@pytest.mark.parametrize("source", ["rest", "s3://flatfiles", "file:///mirror"])
def test_a_source_that_is_no_folder_stays_what_it_is(home, source):
    says(home, FLAT_FILES=source, LAKE="home")
    settings = load_settings()
    assert (settings.flat_files, settings.lake) == (source, home / "lake")


def test_a_folder_in_the_environment_or_in_the_folder_s_file_is_seen_from_where_one_is(home, tmp_path, monkeypatch):
    says(home, FLAT_FILES="mirror", LAKE="tables")
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES", "other")
    monkeypatch.setenv("CANDLELAKE_LAKE", "")
    (tmp_path / ".env").write_text("CANDLELAKE_REFERENCE=answers\n")
    settings = load_settings()
    assert (settings.flat_files, settings.reference) == ("other", Path("answers"))
    assert settings.lake == home / "tables", "an empty value in the environment is none"


def test_a_folder_that_leads_nowhere_is_named(home):
    says(home, FLAT_FILES="~nobody-of-this-name/mirror")
    with pytest.raises(SettingsError, match=r"settings\.env"):
        load_settings()


@pytest.mark.parametrize("lake", ["home", "/home/trader/data/lake", ""])
def test_the_home_of_an_earlier_demo_keeps_to_its_own_sample_and_lake_after_a_move(home, lake):
    (home / "sample").mkdir()
    (home / "sample/.candlelake-sample.json").write_text("{}")
    says(home, LAKE=lake, FLAT_FILES="/home/trader/data/sample", START="2003-09-10", END="2013-03-01")
    settings = load_settings()
    assert (settings.flat_files, settings.lake) == (str(home / "sample"), home / "lake")


def test_a_folder_of_the_name_elsewhere_is_the_user_s_while_the_home_has_no_sample(home):
    (home / "sample").mkdir()
    says(home, LAKE="/home/trader/lake", FLAT_FILES="/home/trader/sample")
    settings = load_settings()
    assert (settings.flat_files, settings.lake) == ("/home/trader/sample", Path("/home/trader/lake"))
