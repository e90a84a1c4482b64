"""Leftovers of killed processes are removed; files that another process finishes during the search are no error."""

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.lake.raw.raw_files import RawFiles
from pipeline.lake.storage.store import FolderStore

OLD = timedelta(seconds=-1)
"""Whatever is there already is older than a second from now."""


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "raw/2024").mkdir(parents=True)
    (tmp_path / "raw/2024/.incoming-receipt").write_bytes(b"of a killed process")
    return tmp_path


def vanishing(real: Callable[..., object], landing: Path) -> Callable[..., object]:
    """Return `real` as a function that first removes the folder `landing` when called with it."""

    def look(path: object, *more: object, **options: object) -> object:
        if str(path) == str(landing):
            with suppress(OSError):
                landing.rmdir()
        return real(path, *more, **options)

    return look


@pytest.mark.parametrize("function", ["scandir", "stat"])
def test_a_landing_folder_that_goes_while_it_is_looked_at_is_no_error(
    lake: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    with RawFiles(lake).landing() as folder:
        (lake / "raw/kept").mkdir()
        monkeypatch.setattr(os, function, vanishing(getattr(os, function), folder))
        removed = FolderStore(lake).remove_unfinished(older_than=OLD)
        monkeypatch.undo()
        folder.mkdir(exist_ok=True)
    assert "raw/2024/.incoming-receipt" in removed
    assert sorted(path.name for path in (lake / "raw").rglob("*")) == ["2024", "kept"]


def test_a_landing_folder_in_use_stays_with_what_is_in_it(lake: Path) -> None:
    with RawFiles(lake).landing() as folder:
        (folder / "download").write_bytes(b"on its way")
        assert FolderStore(lake).remove_unfinished(older_than=timedelta(hours=1)) == []
        assert (folder / "download").read_bytes() == b"on its way"


def test_a_staging_file_that_gets_its_name_while_it_is_looked_at_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = tmp_path / "stocks/prices/month=2024-01"
    month.mkdir(parents=True)
    left, staging = month / "left.parquet#1", month / "written.parquet#2"
    for path in (left, staging):
        path.write_bytes(b"rows")
    real = os.stat

    def stat(path: object, *more: object, **options: object) -> object:
        if str(path) == str(staging):
            with suppress(OSError):
                staging.rename(month / "written.parquet")
        return real(path, *more, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "stat", stat)
    removed = FolderStore(tmp_path).remove_leftovers("stocks/prices", older_than=OLD)
    assert removed == ["month=2024-01/left.parquet#1"]
    assert [path.name for path in month.iterdir()] == ["written.parquet"]
