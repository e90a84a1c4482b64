"""The vendor's files as they came, through replacements, crashes and damage."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import FileRefused
from pipeline.lake.raw.raw_files import RECEIPT_SUFFIX, RawFiles, Receipt
from pipeline.lake.storage.store import FolderStore

DAY = date(2024, 1, 5)
DATASET = "us_stocks_sip/day_aggs_v1"
KEY = f"{DATASET}/2024/01/2024-01-05.csv.gz"


def receipt_of(data: bytes, *, hour: int = 11, etag: str | None = None, key: str = KEY) -> Receipt:
    return Receipt(
        session=DAY,
        key=key,
        etag=etag or hashlib.md5(data, usedforsecurity=False).hexdigest(),
        size=len(data),
        last_modified=datetime(2024, 1, 6, hour, 0, 0, 123000, tzinfo=UTC),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def stored(raw: RawFiles, data: bytes, **identity: object) -> Receipt:
    with raw.landing() as folder:
        download = folder / "download"
        download.write_bytes(data)
        return raw.store(receipt_of(data, **identity), download)  # type: ignore[arg-type]


def files(lake: Path) -> dict[str, bytes]:
    return {str(path.relative_to(lake)): path.read_bytes() for path in lake.rglob("*") if path.is_file()}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def raw(lake: Path) -> RawFiles:
    return RawFiles(lake)


def test_a_file_lies_untouched_under_the_vendors_key(raw: RawFiles, lake: Path) -> None:
    receipt = stored(raw, b"bytes of the day")
    assert (lake / "raw" / KEY).read_bytes() == b"bytes of the day"
    assert raw.current(DATASET, DAY) == receipt == raw.required(DATASET, DAY)
    assert raw.read(receipt) == b"bytes of the day"
    assert raw.versions(DATASET, DAY) == [receipt]


def test_nothing_is_known_of_a_session_before_its_file_came(raw: RawFiles) -> None:
    assert raw.current(DATASET, DAY) is None
    assert raw.versions(DATASET, DAY) == []
    with pytest.raises(FileRefused, match="2024-01-05"):
        raw.required(DATASET, DAY)


def test_the_same_version_twice_changes_nothing(raw: RawFiles, lake: Path) -> None:
    stored(raw, b"one")
    stored(raw, b"two", hour=12)
    before = files(lake)
    stored(raw, b"two", hour=12)
    assert files(lake) == before


def test_every_version_the_vendor_replaced_can_still_be_read(raw: RawFiles) -> None:
    receipts = [stored(raw, data, hour=hour) for data, hour in ((b"a", 11), (b"b", 12), (b"c", 13))]
    assert raw.versions(DATASET, DAY) == receipts
    assert [raw.read(receipt) for receipt in receipts] == [b"a", b"b", b"c"]
    assert raw.current(DATASET, DAY) == receipts[-1]


def test_equal_bytes_under_another_etag_are_another_version(raw: RawFiles) -> None:
    first = stored(raw, b"a", etag="x-1", hour=11)
    second = stored(raw, b"a", etag="y/../-2", hour=12)
    assert raw.versions(DATASET, DAY) == [first, second]
    assert raw.read(first) == raw.read(second) == b"a"


def test_a_vendor_who_goes_back_to_an_earlier_version_is_followed(raw: RawFiles) -> None:
    first, second = stored(raw, b"a", hour=11), stored(raw, b"b", hour=12)
    stored(raw, b"a", hour=11)
    assert raw.current(DATASET, DAY) == first
    assert raw.versions(DATASET, DAY) == [second, first]


def test_other_bytes_than_announced_are_not_taken_in(raw: RawFiles, lake: Path, tmp_path: Path) -> None:
    first = stored(raw, b"a")
    (tmp_path / "download").write_bytes(b"something else")
    with pytest.raises(FileRefused, match="Download the file again"):
        raw.store(receipt_of(b"b"), tmp_path / "download")
    assert raw.read(first) == b"a"
    assert not [name for name in files(lake) if "incoming" in name]


@pytest.mark.parametrize("damage", [b"", b"bytes of the da", b"bytes of the dax", b"bytes of the day!"])
def test_a_file_that_was_changed_is_never_read(raw: RawFiles, lake: Path, damage: bytes) -> None:
    receipt = stored(raw, b"bytes of the day")
    (lake / "raw" / KEY).write_bytes(damage)
    with pytest.raises(FileRefused, match="`candlelake verify --repair` fetches it again"):
        raw.read(receipt)


def test_following_the_remedy_mends_a_damaged_file(raw: RawFiles, lake: Path) -> None:
    receipt = stored(raw, b"bytes of the day")
    (lake / "raw" / KEY).unlink()
    assert raw.current(DATASET, DAY) is None
    stored(raw, b"bytes of the day")
    assert raw.read(receipt) == b"bytes of the day"


def test_a_damaged_receipt_says_which_file_to_delete(raw: RawFiles, lake: Path) -> None:
    stored(raw, b"a")
    (lake / "raw" / (KEY + RECEIPT_SUFFIX)).write_text('{"session": "2024-01-05"}')
    with pytest.raises(FileRefused, match="receipt"):
        raw.current(DATASET, DAY)


ANSWERS = "rest/grouped_daily"
ANSWER = f"{ANSWERS}/2024/01/2024-01-05.json.gz"


def test_an_answer_of_the_rest_api_lies_beside_the_vendors_files_as_json(raw: RawFiles, lake: Path):
    receipt = stored(raw, b"answer", key=ANSWER)
    assert (lake / "raw" / ANSWER).read_bytes() == b"answer"
    assert raw.current(ANSWERS, DAY) == receipt
    assert raw.current(DATASET, DAY) is None
    later = stored(raw, b"another", key=ANSWER, hour=12)
    assert raw.versions(ANSWERS, DAY) == [receipt, later]
    assert raw.read(receipt) == b"answer"


def test_the_edition_in_force_is_the_first_that_came_in(raw: RawFiles) -> None:
    answer = stored(raw, b"answer", key=ANSWER, hour=23)
    assert raw.in_force([DATASET, ANSWERS], DAY) == answer
    file = stored(raw, b"file", hour=11)
    assert raw.in_force([DATASET, ANSWERS], DAY) == file
    assert raw.versions(ANSWERS, DAY) == [answer]


def test_no_other_edition_takes_the_place_of_a_file_that_is_gone(raw: RawFiles, lake: Path) -> None:
    stored(raw, b"answer", key=ANSWER)
    stored(raw, b"file")
    (lake / "raw" / KEY).unlink()
    with pytest.raises(FileRefused, match="No us_stocks_sip/day_aggs_v1 file of 2024-01-05"):
        raw.in_force([DATASET, ANSWERS], DAY)


def test_a_session_without_any_edition_says_how_to_get_one(raw: RawFiles) -> None:
    with pytest.raises(FileRefused, match="candlelake run --date 2024-01-05"):
        raw.in_force([DATASET, ANSWERS], DAY)


class PowerCut(Exception):
    pass


@pytest.mark.parametrize("survived", range(4))
def test_a_crash_at_any_step_of_a_replacement_loses_nothing_and_the_next_try_mends_it(
    raw: RawFiles, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    first = stored(raw, b"first", hour=11)
    rename, renames = Path.replace, []

    def cut_off(self: Path, target: Path) -> Path:
        if len(renames) == survived:
            raise PowerCut
        renames.append(target)
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", cut_off)
    with pytest.raises(PowerCut):
        stored(raw, b"other", hour=12)
    monkeypatch.undo()

    in_force = raw.current(DATASET, DAY)
    assert in_force == first
    try:
        assert raw.read(in_force) == b"first"
    except FileRefused:
        assert survived == 3  # the new bytes are in place, their receipt is not

    second = stored(raw, b"other", hour=12)
    assert raw.versions(DATASET, DAY) == [first, second]
    assert [raw.read(first), raw.read(second)] == [b"first", b"other"]


def test_what_landed_and_was_not_stored_is_gone_with_its_folder(raw: RawFiles, lake: Path) -> None:
    with raw.landing() as folder:
        (folder / "download").write_bytes(b"of no use")
    assert files(lake) == {}


def test_the_folder_that_a_killed_process_left_is_a_leftover_that_maintenance_removes(lake: Path) -> None:
    left = RawFiles(lake).landing()
    folder = left.__enter__()
    (folder / "download").write_bytes(b"of a killed process")
    removed = FolderStore(lake).remove_unfinished(older_than=timedelta(seconds=-1))
    assert removed == [folder.relative_to(lake).as_posix()]
    assert files(lake) == {}
