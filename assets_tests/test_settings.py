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
    (folder / "elsewhere" / "settings.env").write_text("CANDLELAKE_RETENTION_DAYS=3\n")
    (folder / ".env").write_text("CANDLELAKE_HOME=elsewhere\n")
    settings = load_settings()
    assert (settings.home, settings.retention_days) == (folder / "elsewhere", 3)


def test_the_home_s_file_is_that_of_the_home_that_the_environment_names(folder, monkeypatch):
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "settings.env").write_text("CANDLELAKE_RETENTION_DAYS=3\n")
    monkeypatch.setenv("CANDLELAKE_HOME", "elsewhere")
    settings = load_settings()
    assert (settings.home, settings.retention_days) == (folder / "elsewhere", 3)


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
    [
        ("START", "soon"),
        ("MAX_BAD_SHARE", "1.5"),
        ("RETENTION_DAYS", "0"),
        ("REST_CALLS_PER_MINUTE", "0"),
        ("END", "2024-02-30"),
    ],
)
def test_a_value_without_sense_is_named(monkeypatch, name, value):
    monkeypatch.setenv(f"CANDLELAKE_{name}", value)
    with pytest.raises(SettingsError, match=f"CANDLELAKE_{name}: "):
        load_settings()


def test_every_fault_is_reported_at_once_and_no_secret(monkeypatch):
    monkeypatch.setenv("CANDLELAKE_START", "soon")
    monkeypatch.setenv("CANDLELAKE_RETENTION_DAYS", "few")
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES_SECRET", "planted-secret")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "CANDLELAKE_START" in str(refused.value)
    assert "CANDLELAKE_RETENTION_DAYS" in str(refused.value)
    assert "planted-secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["flat_files_secret", "rest_key", "lake_secret"])
def test_a_secret_does_not_show_when_settings_are_printed(monkeypatch, name):
    monkeypatch.setenv(f"CANDLELAKE_{name.upper()}", "planted-secret")
    settings = load_settings()
    assert getattr(settings, name).get_secret_value() == "planted-secret"
    assert "planted-secret" not in f"{settings!r} {settings}"


def test_tickers_have_commas_between_them_and_count_once(monkeypatch):
    monkeypatch.setenv("CANDLELAKE_TICKERS", " AAPL,AAp , NA,,AAPL")
    assert load_settings().tickers == ("AAPL", "AAp", "NA")


def test_no_ticker_is_set_by_commas(monkeypatch):
    monkeypatch.setenv("CANDLELAKE_TICKERS", " , ")
    assert load_settings().tickers is None


def addresses(settings):
    return [address.get_secret_value() for address in settings.alerts]


@pytest.mark.parametrize("between", [" ", ", ", "\n", "  ,\t"])
def test_addresses_of_channels_have_white_space_between_them(monkeypatch, between):
    monkeypatch.setenv("CANDLELAKE_ALERTS", f" tgram://1:a/2{between}mailto://a:b@c.d?to=x@y.z,v@w.u ")
    assert addresses(load_settings()) == ["tgram://1:a/2", "mailto://a:b@c.d?to=x@y.z,v@w.u"]


def test_addresses_are_read_from_the_home_s_file_too(folder):
    (folder / "data").mkdir()
    (folder / "data" / "settings.env").write_text("CANDLELAKE_ALERTS='tgram://1:a/2 json://host/#x'\n")
    assert addresses(load_settings()) == ["tgram://1:a/2", "json://host/#x"]


def test_no_channel_is_set_by_white_space(monkeypatch):
    monkeypatch.setenv("CANDLELAKE_ALERTS", " , ")
    assert load_settings().alerts is None


@pytest.mark.parametrize("wrong", ["json://a planted-secret", "json://a,tgram://planted-secret", '["json://a"]'])
def test_an_address_that_is_none_or_two_is_named_by_its_place_and_not_shown(monkeypatch, wrong):
    monkeypatch.setenv("CANDLELAKE_ALERTS", wrong)
    with pytest.raises(SettingsError, match=r"CANDLELAKE_ALERTS: .*address [12] ") as refused:
        load_settings()
    assert "planted-secret" not in str(refused.value)


def test_no_address_shows_when_settings_are_printed(monkeypatch):
    monkeypatch.setenv("CANDLELAKE_ALERTS", "tgram://planted-secret")
    settings = load_settings()
    assert "planted-secret" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_a_home_s_file_can_say_that_its_lake_is_its_own(folder):
    (folder / "data").mkdir()
    (folder / ".env").write_text("CANDLELAKE_LAKE=s3://my-bucket\n")
    (folder / "data" / "settings.env").write_text("CANDLELAKE_LAKE=home\n")
    assert load_settings().lake == folder / "data" / "lake"


@pytest.fixture
def on_s3(monkeypatch):
    """Set a lake on S3, whole."""
    for name, value in {
        "": "s3://my-bucket/market/us",
        "_ENDPOINT": "http://nas:9000/",
        "_REGION": "eu-central-1",
        "_KEY_ID": "key",
        "_SECRET": "planted-secret",
    }.items():
        monkeypatch.setenv(f"CANDLELAKE_LAKE{name}", value)


def test_the_lake_can_lie_in_another_folder(folder, monkeypatch):
    monkeypatch.setenv("CANDLELAKE_LAKE", "elsewhere")
    assert load_settings().lake == folder / "elsewhere"
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("CANDLELAKE_LAKE", "~/mine")
    assert load_settings().lake == folder / "mine"


def test_the_lake_can_lie_on_s3_and_no_secret_shows(on_s3):
    settings = load_settings()
    place = settings.lake
    assert (place.bucket, place.prefix, place.endpoint, place.region, place.key_id) == (
        "my-bucket",
        "market/us",
        "http://nas:9000",
        "eu-central-1",
        "key",
    )
    assert str(place) == "s3://my-bucket/market/us"
    assert place.secret.get_secret_value() == "planted-secret"
    assert "planted-secret" not in f"{settings!r} {place!r} {place}"


def test_without_an_endpoint_the_lake_is_at_aws(on_s3, monkeypatch):
    monkeypatch.setenv("CANDLELAKE_LAKE_ENDPOINT", "")
    monkeypatch.setenv("CANDLELAKE_LAKE", "s3://my-bucket/")
    place = load_settings().lake
    assert (place.endpoint, str(place)) == ("https://s3.eu-central-1.amazonaws.com", "s3://my-bucket")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAKE", "s3://"),
        ("LAKE", "s3://Upper_Case"),
        ("LAKE", "s3://my-bucket/a b"),
        ("LAKE", "s3://my-bucket/a/../b"),
        ("LAKE", "s3://my-bucket/a//b"),
        ("LAKE", "s3://my-bucket/50%20"),
        ("LAKE", "https://nas:9000/my-bucket"),
        ("LAKE_ENDPOINT", "nas:9000"),
        ("LAKE_ENDPOINT", "https://key:planted-secret@nas"),
        ("LAKE_ENDPOINT", "https://nas/my-bucket"),
        ("LAKE_KEY_ID", ""),
        ("LAKE_SECRET", ""),
    ],
)
def test_a_lake_on_s3_that_makes_no_sense_is_named_by_its_setting(on_s3, monkeypatch, name, value):
    monkeypatch.setenv(f"CANDLELAKE_{name}", value)
    settings = load_settings()
    with pytest.raises(SettingsError, match=f"CANDLELAKE_{name}") as refused:
        _ = settings.lake
    assert "planted-secret" not in str(refused.value)


def test_settings_that_are_no_text_or_beyond_the_calendar_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANDLELAKE_HOME", str(tmp_path / "home"))
    for name, value in (("END", "9999-12-31"), ("RETENTION_DAYS", "99999999999"), ("REST_CALLS_PER_MINUTE", "9" * 30)):
        with monkeypatch.context() as changed:
            changed.setenv(f"CANDLELAKE_{name}", value)
            with pytest.raises(SettingsError, match=f"CANDLELAKE_{name}"):
                load_settings()
    (tmp_path / ".env").write_bytes(b"CANDLELAKE_END=\xff\n")
    with pytest.raises(SettingsError, match=r"not UTF-8 text"):
        load_settings()
