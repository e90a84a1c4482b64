"""The vendor's files compared with their receipts, and both with the audit trail."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from assets_tests.lake.raw.test_raw_files import DATASET, DAY, KEY, stored
from pipeline.lake.integrity.damage import Damage, Kind
from pipeline.lake.integrity.raw import DeliveredVersion, RawState, RawVerification
from pipeline.lake.raw.raw_files import RECEIPT_SUFFIX, RawFiles, Receipt
from pipeline.lake.raw.receipts import written
from pipeline.lake.storage.folder_objects import FolderObjects

OLD, NEW = gzip.compress(b"old" * 100), gzip.compress(b"new" * 90)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def versions(lake: Path) -> tuple[Receipt, Receipt]:
    raw = RawFiles(lake)
    return stored(raw, OLD), stored(raw, NEW)


def verified(lake: Path, *trail: DeliveredVersion) -> RawState:
    return RawVerification(FolderObjects(lake), trail).run()


def only(state: RawState) -> Damage:
    (damage,) = state.damages
    return damage


def trail(versions: tuple[Receipt, Receipt]) -> tuple[DeliveredVersion, DeliveredVersion]:
    return DeliveredVersion(versions[0], is_current=False), DeliveredVersion(versions[1], is_current=True)


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_files_with_their_receipts_are_whole(lake: Path, versions: tuple[Receipt, Receipt]) -> None:
    for known in ((), trail(versions)):
        state = verified(lake, *known)
        assert (state.damages, state.unknown, state.checked) == ([], [], 2)
        assert set(state.whole) == set(versions)


def test_a_flipped_bit_anywhere_in_a_file_is_found(lake: Path, versions: tuple[Receipt, Receipt]) -> None:
    path = lake / "raw" / KEY
    for place in range(len(NEW)):
        flip(path, place)
        damage = only(verified(lake, *trail(versions)))
        assert (damage.kind, damage.file, damage.first) == (Kind.RAW, f"raw/{KEY}", DAY)
        assert damage.found == "holds other bytes than its receipt says"
        flip(path, place)


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (Path.unlink, "is missing"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(NEW[:-1]), "bytes, its receipt says"),
    ],
)
def test_a_harmed_file_is_named_with_what_is_wrong(
    lake: Path, versions: tuple[Receipt, Receipt], harm: Callable[[Path], object], found: str
) -> None:
    harm(lake / "raw" / KEY)
    damage = only(verified(lake))
    assert damage.kind == Kind.RAW
    assert found in damage.found


def test_a_harmed_version_that_was_replaced_is_reported_apart(lake: Path, versions: tuple[Receipt, Receipt]) -> None:
    flip(lake / "raw" / versions[0].replaced_key, 20)
    assert only(verified(lake, *trail(versions))).kind == Kind.OLD_RAW


def test_a_flipped_bit_in_a_receipt_is_found_by_the_audit_trail_which_knows_the_true_one(
    lake: Path, versions: tuple[Receipt, Receipt]
) -> None:
    path = lake / f"raw/{KEY}{RECEIPT_SUFFIX}"
    written = path.read_bytes()
    harmless = 0
    for place in range(len(written)):
        flip(path, place)
        state = verified(lake, *trail(versions))
        if state.damages:
            assert only(state).kind == Kind.RECEIPT, written[place : place + 20]
            assert state.rebuilt == {f"raw/{KEY}{RECEIPT_SUFFIX}": versions[1]}
        else:
            harmless += 1
            assert {(one.key, one.etag, one.sha256) for one in state.whole} == {
                (one.key, one.etag, one.sha256) for one in versions
            }
        path.write_bytes(written)
    # White space, which may be another white space.
    assert harmless < len(written) / 20


def with_another_time(path: Path, hours: int, *, sealed: bool) -> None:
    """Change the time in a receipt; `sealed` receipts keep the checksum, which those of earlier versions lack."""
    receipt = json.loads(path.read_bytes())
    receipt["last_modified"] = (datetime.fromisoformat(receipt["last_modified"]) + timedelta(hours=hours)).isoformat()
    if not sealed:
        del receipt["checksum"]
    path.write_text(json.dumps(receipt))


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("sealed", [True, False])
def test_a_receipt_with_another_time_is_damaged_and_the_audit_trail_knows_the_true_one(
    lake: Path, versions: tuple[Receipt, Receipt], hours: int, sealed: bool
) -> None:
    path = lake / f"raw/{KEY}{RECEIPT_SUFFIX}"
    with_another_time(path, hours, sealed=sealed)
    state = verified(lake, *trail(versions))
    assert only(state).kind == Kind.RECEIPT
    assert list(state.rebuilt.values()) == [versions[1]]


def test_a_receipt_of_an_earlier_version_has_no_checksum_and_is_whole(
    lake: Path, versions: tuple[Receipt, Receipt]
) -> None:
    with_another_time(lake / f"raw/{KEY}{RECEIPT_SUFFIX}", 0, sealed=False)
    assert verified(lake, *trail(versions)).damages == []
    assert RawFiles(lake).current(DATASET, DAY) == versions[1]


def test_the_same_bytes_fetched_again_under_a_later_time_are_no_damage(
    lake: Path, versions: tuple[Receipt, Receipt]
) -> None:
    later = replace(versions[1], last_modified=versions[1].last_modified + timedelta(days=3))
    (lake / f"raw/{KEY}{RECEIPT_SUFFIX}").write_bytes(written(later))
    assert verified(lake, *trail(versions)).damages == []
    earlier = replace(versions[1], last_modified=versions[1].last_modified - timedelta(days=3))
    (lake / f"raw/{KEY}{RECEIPT_SUFFIX}").write_bytes(written(earlier))
    assert only(verified(lake, *trail(versions))).kind == Kind.RECEIPT


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_lost_receipt_is_rebuilt_from_the_audit_trail(
    lake: Path, versions: tuple[Receipt, Receipt], harm: Callable[[Path], object]
) -> None:
    harm(lake / f"raw/{KEY}{RECEIPT_SUFFIX}")
    state = verified(lake, *trail(versions))
    assert only(state).kind == Kind.RECEIPT
    assert list(state.rebuilt.values()) == [versions[1]]


def test_an_unknown_file_without_a_receipt_is_no_damage(lake: Path, versions: tuple[Receipt, Receipt]) -> None:
    (lake / "raw" / DATASET / "2024/01/.incoming-1").write_bytes(b"cut off")
    state = verified(lake, *trail(versions))
    assert (state.damages, state.unknown) == ([], [f"raw/{DATASET}/2024/01/.incoming-1"])


def test_a_version_that_is_gone_with_its_receipt_is_missed_by_the_audit_trail(
    lake: Path, versions: tuple[Receipt, Receipt]
) -> None:
    for version, kind in ((KEY, Kind.RAW), (versions[0].replaced_key, Kind.OLD_RAW)):
        kept = {path: path.read_bytes() for path in (lake / "raw" / version, lake / f"raw/{version}{RECEIPT_SUFFIX}")}
        for path in kept:
            path.unlink()
        damage = only(verified(lake, *trail(versions)))
        assert (damage.kind, damage.found) == (kind, "is missing, and so is its receipt")
        for path, data in kept.items():
            path.write_bytes(data)


def test_a_newer_version_than_the_tables_come_from_is_no_damage(lake: Path, versions: tuple[Receipt, Receipt]) -> None:
    assert verified(lake, DeliveredVersion(versions[0], is_current=True)).damages == []


def test_a_version_that_came_back_and_was_replaced_again_is_no_damage(lake: Path) -> None:
    raw = RawFiles(lake)
    stored(raw, OLD)
    stored(raw, NEW, hour=12)
    again = stored(raw, OLD, hour=13)
    newest = stored(raw, NEW, hour=14)
    versions = DeliveredVersion(again, is_current=False), DeliveredVersion(newest, is_current=True)
    assert verified(lake, *versions).damages == []


def test_a_new_version_whose_receipt_found_no_room_is_unfinished_and_no_damage(lake: Path) -> None:
    raw = RawFiles(lake)
    old = stored(raw, OLD)
    receipt = lake / "raw" / f"{KEY}{RECEIPT_SUFFIX}"
    before = receipt.read_bytes()
    stored(raw, NEW)
    receipt.write_bytes(before)
    state = verified(lake, DeliveredVersion(old, is_current=True))
    assert state.damages == []
    assert [(one.kind, one.file, one.first) for one in state.unfinished] == [(Kind.RAW, f"raw/{KEY}", DAY)]
    stored(RawFiles(lake), NEW)
    again = verified(lake, DeliveredVersion(old, is_current=True))
    assert (again.damages, again.unfinished) == ([], [])


def test_other_bytes_without_a_kept_version_are_damage(lake: Path) -> None:
    old = stored(RawFiles(lake), OLD)
    (lake / "raw" / KEY).write_bytes(NEW)
    state = verified(lake, DeliveredVersion(old, is_current=True))
    assert only(state).kind == Kind.RAW
    assert state.unfinished == []


def test_a_version_that_was_being_kept_when_the_run_ended_is_whole_where_it_was(lake: Path) -> None:
    current = stored(RawFiles(lake), OLD)
    copy = lake / "raw" / current.replaced_key
    copy.parent.mkdir(parents=True)
    copy.write_bytes(OLD)
    state = verified(lake, DeliveredVersion(current, is_current=True))
    assert state.damages == []
    assert state.unknown == [f"raw/{current.replaced_key}"]
