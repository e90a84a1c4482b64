"""Flat files in a folder: what a disk does that a server does not."""

import hashlib
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipeline.errors import AccessDenied, FileRefused, SettingsError, TransferFailed
from pipeline.sources.port import Dataset, key_of, window
from pipeline.sources.transfer.folder import FolderFlatFiles

DAY = Dataset.DAY_AGGS
SESSION = date(2024, 1, 5)
LONG_AGO = 1_704_556_798_123_456_000
"""Nanoseconds: 2024-01-06 15:59:58.123456 UTC."""


def lay(root: Path, session: date, body: bytes, changed: int = LONG_AGO) -> Path:
    path = root / key_of(DAY, session)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    os.utime(path, ns=(changed, changed))
    return path


def md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()  # noqa: S324


def test_last_modified_is_the_time_of_the_file_in_utc(tmp_path: Path) -> None:
    lay(tmp_path, SESSION, b"day")

    modified = FolderFlatFiles(tmp_path).file(DAY, SESSION).last_modified

    assert modified == datetime(2024, 1, 6, 15, 59, 58, 123_456, tzinfo=UTC)


def test_a_change_that_keeps_size_and_time_is_a_new_version(tmp_path: Path) -> None:
    source = FolderFlatFiles(tmp_path)
    lay(tmp_path, SESSION, b"one")
    first = source.file(DAY, SESSION)
    lay(tmp_path, SESSION, b"two")

    second = source.file(DAY, SESSION)

    assert (first.etag, second.etag) == (md5(b"one"), md5(b"two"))
    assert first.last_modified == second.last_modified


def test_a_file_moved_into_place_with_an_old_time_is_a_new_version(tmp_path: Path) -> None:
    # As rsync does: a temporary file that keeps the sender's time, renamed over the old one.
    source = FolderFlatFiles(tmp_path)
    path = lay(tmp_path, SESSION, b"one")
    source.file(DAY, SESSION)
    arrived = lay(tmp_path / "incoming", SESSION, b"two")
    arrived.replace(path)

    assert source.file(DAY, SESSION).etag == md5(b"two")


def test_a_touched_file_is_the_same_version_at_another_time(tmp_path: Path) -> None:
    source = FolderFlatFiles(tmp_path)
    path = lay(tmp_path, SESSION, b"day")
    first = source.file(DAY, SESSION)
    os.utime(path, ns=(LONG_AGO + 10**9, LONG_AGO + 10**9))

    second = source.file(DAY, SESSION)

    assert second.etag == first.etag
    assert second.last_modified > first.last_modified


def test_a_settled_file_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, SESSION, b"day")
    source = FolderFlatFiles(tmp_path)
    # The change of the file's own record cannot be dated back, so the present moves on instead.
    monkeypatch.setattr("pipeline.sources.transfer.folder.time_ns", lambda: 2 * tmp_path.stat().st_ctime_ns)
    hashed: list[str] = []
    digest = hashlib.file_digest

    def counting_digest(opened, algorithm):
        hashed.append(opened.name)
        return digest(opened, algorithm)

    monkeypatch.setattr("pipeline.sources.transfer.folder.hashlib.file_digest", counting_digest)

    versions = {source.file(DAY, SESSION).etag for _ in range(3)}

    assert versions == {md5(b"day")}
    assert len(hashed) == 1


def test_a_settled_file_rewritten_in_place_with_its_old_time_is_a_new_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lay(tmp_path, SESSION, b"one")
    source = FolderFlatFiles(tmp_path)
    monkeypatch.setattr("pipeline.sources.transfer.folder.time_ns", lambda: 2 * tmp_path.stat().st_ctime_ns)
    assert source.file(DAY, SESSION).etag == md5(b"one")
    before = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == before:  # until the file system's clock ticks
        lay(tmp_path, SESSION, b"two")

    assert source.file(DAY, SESSION).etag == md5(b"two")


def test_a_window_hashes_only_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(1, 29):
        lay(tmp_path, date(2024, 2, day), b"day")
    hashed: list[str] = []
    digest = hashlib.file_digest

    def counting_digest(opened, algorithm):
        hashed.append(Path(opened.name).name)
        return digest(opened, algorithm)

    monkeypatch.setattr("pipeline.sources.transfer.folder.hashlib.file_digest", counting_digest)

    window(FolderFlatFiles(tmp_path), DAY, days=2)

    assert hashed == ["2024-02-27.csv.gz", "2024-02-28.csv.gz"]


def test_a_folder_that_does_not_exist_is_a_wrong_setting(tmp_path: Path) -> None:
    source = FolderFlatFiles(tmp_path / "nowhere")

    for ask in (lambda: source.files(DAY), lambda: source.file(DAY, SESSION), lambda: source.years(DAY)):
        with pytest.raises(SettingsError, match="nowhere does not exist") as wrong:
            ask()
        assert "CANDLELAKE_FLAT_FILES" in wrong.value.remedy


def test_a_folder_without_the_dataset_names_the_layout_it_expects(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"us_stocks_sip/day_aggs_v1/YYYY/MM/YYYY-MM-DD\.csv\.gz"):
        FolderFlatFiles(tmp_path).file(DAY, SESSION)


def test_files_laid_flat_in_the_dataset_are_a_wrong_layout(tmp_path: Path) -> None:
    (tmp_path / DAY).mkdir(parents=True)
    (tmp_path / DAY / "2024-01-05.csv.gz").write_bytes(b"day")

    with pytest.raises(SettingsError, match="YYYY/MM"):
        FolderFlatFiles(tmp_path).files(DAY)


def test_a_link_to_a_mirror_elsewhere_is_followed(tmp_path: Path) -> None:
    lay(tmp_path / "other disk", SESSION, b"day")
    (tmp_path / "mirror").symlink_to(tmp_path / "other disk")

    assert [file.session for file in FolderFlatFiles(tmp_path / "mirror").files(DAY)] == [SESSION]


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, SESSION, b"day")
    source = FolderFlatFiles(tmp_path)
    file = source.file(DAY, SESSION)
    opened = Path.open

    def guarded(path: Path, mode: str = "r"):
        # Permissions do not bind the superuser, so the disk's answer is given here.
        if path.name == "2024-01-05.csv.gz" and mode == "rb":
            raise PermissionError(13, "Permission denied")
        return opened(path, mode)

    monkeypatch.setattr(Path, "open", guarded)

    for ask in (
        lambda: source.file(DAY, SESSION),
        lambda: source.require_readable(file),
        lambda: source.download(file, tmp_path / "copy"),
    ):
        with pytest.raises(AccessDenied, match="may not be read"):
            ask()


def test_a_file_that_grows_while_it_is_listed_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lay(tmp_path, SESSION, b"half of the")
    digest = hashlib.file_digest

    def meanwhile(opened, algorithm):
        answer = digest(opened, algorithm)
        with path.open("ab") as still_copying:
            still_copying.write(b" day")
        return answer

    monkeypatch.setattr("pipeline.sources.transfer.folder.hashlib.file_digest", meanwhile)

    with pytest.raises(TransferFailed, match="is being written"):
        FolderFlatFiles(tmp_path).files(DAY)


def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = lay(tmp_path, SESSION, b"day")
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(FileRefused, match="is not a file"):
        FolderFlatFiles(tmp_path).files(DAY)


@pytest.mark.filterwarnings("ignore::pipeline.sources.port.MisplacedFile")
def test_links_that_lead_in_a_circle_end_nowhere(tmp_path: Path) -> None:
    path = lay(tmp_path, SESSION, b"day")
    for link in "abcdefgh":  # each doubles the ways at every level
        (path.parent / link).symlink_to(path.parent)

    assert [file.session for file in FolderFlatFiles(tmp_path).files(DAY)] == [SESSION]
