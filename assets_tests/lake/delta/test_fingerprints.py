"""What is recorded of each commit: the hashes of its files and its log entry, for every committer."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest

from assets_tests.lake.conftest import FEB_1, JAN_2, JAN_3, PRICES, prices
from pipeline.errors import TableDamaged
from pipeline.lake.delta.fingerprints import RecordDamaged
from pipeline.lake.delta.maintenance import compact, vacuum
from pipeline.lake.lake import Lake

NAME = "stocks/prices"


@pytest.fixture
def filled(lake: Lake) -> Lake:
    lake.replace(PRICES, [JAN_2, FEB_1], [prices(JAN_2, A=1.0), prices(FEB_1, A=1.0)], run_id="r")
    lake.replace(PRICES, [JAN_3], [prices(JAN_3, A=2.0)], run_id="r")
    return lake


def entry(lake: Lake, version: int) -> Path:
    return Path(lake.root, NAME, "_delta_log", f"{version:020}.json")


def test_every_commit_has_a_record_creation_and_maintenance_too(filled: Lake) -> None:
    compact(filled, PRICES, run_id="r")
    for path in Path(filled.root, NAME).rglob("*.parquet"):
        path.touch()
    vacuum(filled, PRICES, keep=timedelta(days=2), run_id="r")
    assert filled.fingerprints(NAME).versions() == list(range(filled.version(PRICES) + 1))


def test_a_record_holds_the_hash_of_every_file_its_commit_brought(filled: Lake) -> None:
    known = {}
    for version in filled.fingerprints(NAME).versions():
        known |= filled.fingerprints(NAME).get(version).files
    folder = Path(filled.root, NAME)
    on_disk = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("month=*/*.parquet")
    }
    assert len(on_disk) == 3
    assert {name: digest.sha256 for name, digest in known.items()} == on_disk


def test_a_record_holds_the_log_entry_and_the_hash_of_the_one_before(filled: Lake) -> None:
    record = filled.fingerprints(NAME).get(2)
    assert record.entry == entry(filled, 2).read_bytes()
    assert record.before == hashlib.sha256(entry(filled, 1).read_bytes()).hexdigest()
    assert filled.fingerprints(NAME).get(0).before is None


def test_a_flipped_bit_anywhere_in_a_record_is_noticed(filled: Lake) -> None:
    path = Path(filled.root, NAME, filled.fingerprints(NAME).name(2))
    written = path.read_bytes()
    for place in range(0, len(written), 7):
        path.write_bytes(written[:place] + bytes([written[place] ^ 1]) + written[place + 1 :])
        with pytest.raises(RecordDamaged):
            filled.fingerprints(NAME).get(2)


def test_a_record_under_another_version_s_name_is_noticed(filled: Lake) -> None:
    folder = Path(filled.root, NAME)
    records = filled.fingerprints(NAME)
    (folder / records.name(2)).write_bytes((folder / records.name(1)).read_bytes())
    with pytest.raises(RecordDamaged, match="version 1"):
        records.get(2)


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b""), Path.unlink])
def test_nobody_writes_over_a_lost_newest_commit(filled: Lake, harm) -> None:
    harm(entry(filled, 2))
    with pytest.raises(TableDamaged, match=r"version 2 of stocks\.prices"):
        filled.replace(PRICES, [JAN_3], [prices(JAN_3, A=3.0)], run_id="r")


def test_a_commit_without_a_record_blocks_nothing(filled: Lake) -> None:
    Path(filled.root, NAME, filled.fingerprints(NAME).name(2)).unlink()
    filled.replace(PRICES, [JAN_3], [prices(JAN_3, A=3.0)], run_id="r")
    assert filled.fingerprints(NAME).versions() == [0, 1, 3]


def test_a_checkpoint_and_its_hint_are_recorded_with_their_version(lake: Lake) -> None:
    for number in range(12):
        lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0 + number)], run_id="r")
    log = Path(lake.root, NAME, "_delta_log")
    version = json.loads((log / "_last_checkpoint").read_text())["version"]
    recorded = lake.fingerprints(NAME).get(version).checkpoints
    assert {name.rsplit("/", 1)[-1] for name in recorded} == {f"{version:020}.checkpoint.parquet", "_last_checkpoint"}
