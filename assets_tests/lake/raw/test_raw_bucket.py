"""The vendor's files on a real S3 server: every version kept, even when another process stores one too."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from secrets import token_hex

import pytest

from pipeline.errors import FileRefused
from pipeline.lake.raw.raw_files import RECEIPT_SUFFIX, RawFiles, Receipt
from pipeline.lake.storage.s3_objects import S3Objects

DAY = date(2024, 1, 5)
DATASET, ANSWERS = "us_stocks_sip/day_aggs_v1", "rest/grouped_daily"
KEY = f"{DATASET}/2024/01/2024-01-05.csv.gz"
ANSWER = f"{ANSWERS}/2024/01/2024-01-05.json.gz"


def receipt_of(data, *, hour=11, key=KEY):
    sha256 = hashlib.sha256(data).hexdigest()
    return Receipt(DAY, key, sha256[:32], len(data), datetime(2024, 1, 6, hour, tzinfo=UTC), sha256)


@pytest.fixture
def place(s3_server):
    return s3_server.place()


@pytest.fixture
def raw(place):
    return RawFiles(place)


@pytest.fixture
def store(raw, tmp_path):
    def stored(data, **identity):
        receipt = receipt_of(data, **identity)
        download = tmp_path / token_hex(8)
        download.write_bytes(data)
        return raw.store(receipt, download)

    return stored


def objects_of(place):
    objects = S3Objects(place)
    return {name: objects.read(name) for name in objects.names("")}


def test_a_file_is_read_back_byte_for_byte(raw, store):
    receipt = store(b"bytes of the day")
    assert raw.current(DATASET, DAY) == receipt == raw.required(DATASET, DAY)
    assert raw.read(receipt) == b"bytes of the day"
    assert raw.versions(DATASET, DAY) == [receipt]


def test_nothing_is_known_of_a_session_before_its_file_came(raw, place):
    assert raw.current(DATASET, DAY) is None
    assert raw.versions(DATASET, DAY) == []
    with pytest.raises(FileRefused, match=f"2024-01-05 is in {place}/raw"):
        raw.required(DATASET, DAY)


def test_the_same_version_twice_changes_nothing(store, place):
    store(b"one")
    store(b"two", hour=12)
    before = objects_of(place)
    store(b"two", hour=12)
    assert objects_of(place) == before


@pytest.mark.thorough
def test_every_version_that_was_replaced_can_still_be_read(raw, store):
    receipts = [store(data, hour=hour) for data, hour in ((b"a", 11), (b"b", 12), (b"c", 13))]
    assert raw.versions(DATASET, DAY) == receipts
    assert [raw.read(receipt) for receipt in receipts] == [b"a", b"b", b"c"]
    assert raw.current(DATASET, DAY) == receipts[-1]


@pytest.mark.thorough
def test_a_vendor_who_goes_back_to_an_earlier_version_is_followed(raw, store):
    first, second = store(b"a", hour=11), store(b"b", hour=12)
    store(b"a", hour=11)
    assert raw.current(DATASET, DAY) == first
    assert raw.versions(DATASET, DAY) == [second, first]


@pytest.mark.thorough
def test_the_edition_in_force_is_the_first_that_came_in(raw, store):
    answer = store(b"answer", key=ANSWER, hour=23)
    assert raw.in_force([DATASET, ANSWERS], DAY) == answer
    file = store(b"file")
    assert raw.in_force([DATASET, ANSWERS], DAY) == file
    assert raw.versions(ANSWERS, DAY) == [answer]


@pytest.mark.parametrize("damage", [b"", b"bytes of the da", b"bytes of the dax"])
def test_a_file_that_was_changed_is_never_read_and_the_remedy_mends_it(raw, store, place, damage):
    receipt = store(b"bytes of the day")
    (name,) = [name for name in objects_of(place) if not name.endswith(RECEIPT_SUFFIX)]
    S3Objects(place).put(name, damage)
    with pytest.raises(FileRefused, match=f"{place}/{name} does not hold the 16 bytes"):
        raw.read(receipt)
    S3Objects(place).delete(name)
    assert raw.current(DATASET, DAY) is None
    store(b"bytes of the day")
    assert raw.read(receipt) == b"bytes of the day"


@pytest.mark.thorough
def test_a_damaged_file_is_written_again_even_where_it_was_not_deleted(raw, store, place):
    receipt = store(b"bytes of the day")
    (name,) = [name for name in objects_of(place) if not name.endswith(RECEIPT_SUFFIX)]
    S3Objects(place).put(name, b"bytes of the dax")
    store(b"bytes of the day")
    assert raw.read(receipt) == b"bytes of the day"


def test_a_damaged_receipt_is_named(raw, store, place):
    store(b"a")
    S3Objects(place).put(f"raw/{KEY}{RECEIPT_SUFFIX}", b'{"session": "2024-01-05"}')
    with pytest.raises(FileRefused, match=f"receipt {place}/raw/{KEY}{RECEIPT_SUFFIX} is damaged"):
        raw.current(DATASET, DAY)


def test_other_bytes_than_announced_are_not_taken_in(raw, place, tmp_path):
    (tmp_path / "download").write_bytes(b"something else")
    with pytest.raises(FileRefused, match="Download the file again"):
        raw.store(receipt_of(b"announced"), tmp_path / "download")
    assert objects_of(place) == {}


@pytest.mark.thorough
def test_each_of_the_versions_stored_at_one_moment_is_kept_and_one_is_in_force(raw, store):
    bodies = [f"version {number}".encode() for number in range(8)]
    with ThreadPoolExecutor(len(bodies)) as writers:
        receipts = list(writers.map(store, bodies))
    assert raw.current(DATASET, DAY) in receipts
    versions = raw.versions(DATASET, DAY)
    assert sorted(raw.read(receipt) for receipt in versions) == bodies


@pytest.mark.thorough
def test_one_version_stored_by_several_at_one_moment_is_one_version(raw, store):
    with ThreadPoolExecutor(8) as writers:
        (receipt,) = set(writers.map(store, [b"the same"] * 8))
    assert raw.versions(DATASET, DAY) == [receipt]
    assert raw.read(receipt) == b"the same"


class Killed(Exception):
    pass


@pytest.mark.parametrize("survived", range(3))
def test_a_writer_killed_at_any_step_leaves_the_version_in_force_and_the_next_try_ends_it(
    raw, store, monkeypatch, survived
):
    first, done = store(b"first", hour=11), []

    def dying(write):
        def attempted(self, name, body):
            if len(done) == survived:
                raise Killed
            done.append(name)
            return write(self, name, body)

        return attempted

    with monkeypatch.context() as patched:
        for step in ("put", "put_new"):
            patched.setattr(S3Objects, step, dying(getattr(S3Objects, step)))
        with pytest.raises(Killed):
            store(b"other", hour=12)
    assert raw.current(DATASET, DAY) == first
    assert raw.read(first) == b"first"
    second = store(b"other", hour=12)
    assert raw.versions(DATASET, DAY) == [first, second]
    assert [raw.read(first), raw.read(second)] == [b"first", b"other"]


def test_a_lake_copied_from_a_folder_is_read_and_loses_no_version(raw, store, place, tmp_path):
    folder = RawFiles(tmp_path / "lake")
    (tmp_path / "download").write_bytes(b"a")
    first = folder.store(receipt_of(b"a", hour=11), tmp_path / "download")
    (tmp_path / "download").write_bytes(b"b")
    second = folder.store(receipt_of(b"b", hour=12), tmp_path / "download")
    for path in Path(tmp_path, "lake").rglob("*"):
        if path.is_file():
            S3Objects(place).put(path.relative_to(tmp_path / "lake").as_posix(), path.read_bytes())
    assert raw.versions(DATASET, DAY) == [first, second]
    assert [raw.read(first), raw.read(second)] == [b"a", b"b"]
    third = store(b"c", hour=13)
    assert raw.versions(DATASET, DAY) == [first, second, third]
    assert [raw.read(one) for one in (first, second, third)] == [b"a", b"b", b"c"]
