"""The setting that names the source."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from pipeline.errors import SettingsError
from pipeline.settings import Settings, load_settings
from pipeline.sources.choose import Sources, flat_files_from, flat_files_of
from pipeline.sources.transfer.folder import FolderFlatFiles
from pipeline.sources.transfer.s3 import Bucket, S3FlatFiles


def test_a_folder_is_chosen_by_path_home_or_file_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "my mirror"
    folder.mkdir()

    for location in (str(folder), "~/my mirror", folder.as_uri(), f"file://localhost{folder.as_posix()}"):
        source = flat_files_from(location)
        assert isinstance(source, FolderFlatFiles)
        assert source.root == folder


def test_a_bucket_is_chosen_by_its_scheme_with_an_optional_prefix() -> None:
    source = flat_files_from("s3://mirror/of/it/", endpoint="https://s3.test", key_id="k", secret=SecretStr("s"))

    assert isinstance(source, S3FlatFiles)
    assert (source.bucket.name, source.bucket.prefix) == ("mirror", "of/it/")


@pytest.mark.parametrize("prefix", ["a#b", "a?b=c", "a b", "ü", "a//b", "a%20b", "a:b@c"])
def test_a_prefix_is_taken_as_it_is_typed(prefix: str) -> None:
    source = flat_files_from(f"s3://mirror/{prefix}", endpoint="https://s3.test", key_id="k", secret=SecretStr("s"))
    assert isinstance(source, S3FlatFiles)
    assert (source.bucket.name, source.bucket.prefix) == ("mirror", f"{prefix}/")


def test_a_folder_may_have_the_signs_of_an_address_further_on(tmp_path: Path) -> None:
    source = flat_files_from(f"{tmp_path}/a://b#c")
    assert isinstance(source, FolderFlatFiles)
    assert source.root == tmp_path / "a:" / "b#c"


@pytest.mark.parametrize("sign", ["#", "?", "\n"])
def test_an_address_of_a_folder_that_would_end_early_is_refused(tmp_path: Path, sign: str) -> None:
    folder = tmp_path / f"a{sign}b"
    source = flat_files_from(folder.as_uri())
    assert isinstance(source, FolderFlatFiles)
    assert source.root == folder
    with pytest.raises(SettingsError, match="ends early"):
        flat_files_from(f"file://{folder}")


@pytest.mark.parametrize(
    "location", ["http://files.test/flatfiles", "gs://flatfiles", "s3://", "s3://a b", "file://host/share", " "]
)
def test_a_location_of_no_known_kind_is_refused(location: str) -> None:
    with pytest.raises(SettingsError, match="s3://BUCKET"):
        flat_files_from(location, endpoint="https://s3.test", key_id="k", secret=SecretStr("s"))


@pytest.mark.parametrize(
    ("key_id", "secret", "message"),
    [
        (None, None, "CANDLELAKE_FLAT_FILES_KEY_ID and CANDLELAKE_FLAT_FILES_SECRET"),
        ("key", None, "CANDLELAKE_FLAT_FILES_SECRET must"),
        ("", "secret", "CANDLELAKE_FLAT_FILES_KEY_ID must"),
    ],
)
def test_missing_credentials_are_named(key_id: str | None, secret: str | None, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        flat_files_from(
            "s3://b", endpoint="https://s3.test", key_id=key_id, secret=SecretStr(secret) if secret else None
        )


@pytest.mark.parametrize("endpoint", ["", "files.test", "ftp://files.test", "https://me:hidden-word@files.test"])
def test_an_endpoint_that_is_no_address_is_refused_without_repeating_it(endpoint: str) -> None:
    with pytest.raises(SettingsError, match="CANDLELAKE_FLAT_FILES_ENDPOINT") as refused:
        flat_files_from("s3://b", endpoint=endpoint, key_id="k", secret=SecretStr("s"))
    assert "hidden-word" not in str(refused.value)


def test_the_settings_choose_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDLELAKE_HOME", str(tmp_path))
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES", "s3://mirror")
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES_ENDPOINT", "http://nas.test:9000")
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES_KEY_ID", "key")
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES_SECRET", "hidden-word")

    source = Sources(load_settings()).flat_files()

    assert isinstance(source, S3FlatFiles)
    assert source.bucket == Bucket("mirror", "http://nas.test:9000", "key", SecretStr("hidden-word"))
    assert "hidden-word" not in repr(source)


def test_the_name_that_earlier_documents_showed_still_opens_the_flat_files_and_says_the_new_one(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning, match=r"Sources\(settings\)\.flat_files"):
        source = flat_files_of(Settings(home=tmp_path, flat_files=str(tmp_path)))
    assert isinstance(source, FolderFlatFiles)
