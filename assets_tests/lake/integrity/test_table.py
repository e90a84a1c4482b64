"""A table compared with its records: every harm is named, with its place and extent; nothing else is."""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from deltalake import DeltaTable

from assets_tests.lake.conftest import FEB_1, FEB_2, JAN_2, JAN_3, PRICES, prices
from pipeline.lake.delta.maintenance import compact, vacuum
from pipeline.lake.integrity.damage import Damage, Kind, TableState
from pipeline.lake.integrity.decoding import decoded
from pipeline.lake.integrity.table import TableVerification, owed
from pipeline.lake.lake import Lake

NAME = "stocks/prices"
SEED = 20261126


def prices_of(session: date, seed: int) -> pl.DataFrame:
    drawn = np.random.default_rng(seed).uniform(1, 500, 500)
    return prices(session, **{f"T{number:04}": close for number, close in enumerate(drawn.tolist())})


@pytest.fixture
def filled(lake: Lake) -> Lake:
    """Give three versions of rows: January's file is rewritten by the third."""
    lake.replace(PRICES, [JAN_2, JAN_3], [prices_of(JAN_2, 1), prices_of(JAN_3, 2)], run_id="r")
    lake.replace(PRICES, [FEB_1], [prices_of(FEB_1, 3)], run_id="r")
    lake.replace(PRICES, [JAN_3], [prices_of(JAN_3, 4)], run_id="r")
    return lake


def verified(lake: Lake) -> TableState:
    return TableVerification(lake.objects, NAME, lambda data, entry: decoded(data, entry, PRICES)).run()


def folder(lake: Lake) -> Path:
    return Path(lake.root, NAME)


def live(lake: Lake) -> list[Path]:
    return sorted(folder(lake) / path for path in pl.DataFrame(lake.open(PRICES).get_add_actions())["path"])


def entry(lake: Lake, version: int) -> Path:
    return folder(lake) / f"_delta_log/{version:020}.json"


def flip(path: Path, place: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


def only(state: TableState) -> Damage:
    (damage,) = state.damages
    return damage


def test_a_table_as_it_was_written_has_no_damage(filled: Lake) -> None:
    state = verified(filled)
    assert state.damages == []
    assert (state.newest, state.rows, state.unrecorded, state.unknown) == (3, 1500, [], [])
    assert state.checked == len(list(folder(filled).rglob("*.parquet")))


def test_a_table_stays_free_of_damage_through_compaction_and_vacuum(filled: Lake) -> None:
    compact(filled, PRICES, run_id="r")
    vacuum(filled, PRICES, keep=timedelta(days=1), run_id="r")
    assert verified(filled).damages == []


def test_what_vacuum_removed_is_no_damage(filled: Lake) -> None:
    DeltaTable(str(folder(filled))).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert set(folder(filled).rglob("month=*/*.parquet")) == set(live(filled))
    assert verified(filled).damages == []


def places(size: int) -> Iterator[tuple[int, int]]:
    """Yield a byte and a bit of every region of a Parquet file: both ends with the magic, the footer, the pages."""
    drawn = np.random.default_rng(SEED)
    for place in (0, 3, 4, size - 1, size - 4, size - 5, size - 8, size - 9, size - 200):
        yield place, int(drawn.integers(8))
    for _ in range(60):
        yield int(drawn.integers(size)), int(drawn.integers(8))


def test_a_flipped_bit_in_any_region_of_a_data_file_is_found_and_its_sessions_named(filled: Lake) -> None:
    path = next(path for path in live(filled) if "2024-02" in str(path))
    written = path.read_bytes()
    for place, bit in places(len(written)):
        flip(path, place, bit)
        damage = only(verified(filled))
        assert (damage.kind, damage.table, damage.file) == (
            Kind.DATA,
            "stocks.prices",
            path.relative_to(filled.root).as_posix(),
        )
        assert (damage.first, damage.last, damage.versions) == (FEB_1, FEB_1, (2, 3))
        assert damage.found == "holds other bytes than were written"
        path.write_bytes(written)
    assert verified(filled).damages == []


def test_most_flipped_bits_would_have_been_read_as_numbers(filled: Lake) -> None:
    """A test of the readers, not of this package: hashes are needed, since readers miss some of the flips above."""
    path = next(path for path in live(filled) if "2024-02" in str(path))
    written, unnoticed = path.read_bytes(), 0
    for place, bit in places(len(written)):
        flip(path, place, bit)
        unnoticed += decoded(path.read_bytes(), verified_file(filled, path), None) is None
        path.write_bytes(written)
    assert unnoticed > 0


def verified_file(lake: Lake, path: Path):
    return verified(lake).files[path.relative_to(folder(lake)).as_posix()]


HARMS: dict[str, Callable[[Path], object]] = {
    "is missing": Path.unlink,
    "is empty": lambda path: path.write_bytes(b""),
    "instead of": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "holds other bytes": lambda path: flip(path, 40),
}


@pytest.mark.parametrize("found", HARMS)
def test_a_harmed_data_file_is_named_with_what_is_wrong(filled: Lake, found: str) -> None:
    path = live(filled)[0]
    HARMS[found](path)
    damage = only(verified(filled))
    assert damage.kind == Kind.DATA
    assert found in damage.found


def test_a_harmed_file_of_earlier_versions_only_is_reported_apart(filled: Lake) -> None:
    (old,) = {*folder(filled).rglob("month=*/*.parquet")} - {*live(filled)}
    flip(old, 40)
    damage = only(verified(filled))
    assert (damage.kind, damage.versions, damage.first, damage.last) == (Kind.OLD_DATA, (1, 2), JAN_2, JAN_3)


@pytest.mark.parametrize("found", HARMS)
@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_a_harmed_log_entry_is_found_whichever_it_is_and_the_table_still_judged_whole(
    filled: Lake, version: int, found: str
) -> None:
    HARMS[found](entry(filled, version))
    state = verified(filled)
    damage = only(state)
    assert (damage.kind, damage.versions) == (Kind.ENTRY, (version,))
    assert found in damage.found
    assert (state.newest, state.rows) == (3, 1500)


def test_an_emptied_newest_entry_is_what_delta_reads_over_in_silence(filled: Lake) -> None:
    entry(filled, 3).write_bytes(b"")
    read = filled.scan(PRICES, JAN_3, JAN_3).sort("ticker").collect()
    assert read["close"].to_list() == prices_of(JAN_3, 2)["close"].to_list()
    assert only(verified(filled)).kind == Kind.ENTRY


def test_a_harmed_record_is_named_and_its_files_are_read_instead(filled: Lake) -> None:
    flip(folder(filled) / filled.fingerprints(NAME).name(2), 100)
    state = verified(filled)
    assert (only(state).kind, only(state).versions) == (Kind.RECORD, (2,))
    assert state.unrecorded == [2]


def test_a_version_without_a_record_is_reported_and_is_no_damage(filled: Lake) -> None:
    (folder(filled) / filled.fingerprints(NAME).name(2)).unlink()
    state = verified(filled)
    assert (state.damages, state.unrecorded) == ([], [2])


def test_without_a_record_a_file_is_held_against_size_rows_and_contract(filled: Lake) -> None:
    (folder(filled) / filled.fingerprints(NAME).name(2)).unlink()
    path = next(path for path in live(filled) if "2024-02" in str(path))
    written = path.read_bytes()
    for harmed in (written[:-10], b"", written[: len(written) // 2] + bytes(len(written) - len(written) // 2)):
        path.write_bytes(harmed)
        assert only(verified(filled)).kind == Kind.DATA


def test_without_its_record_a_harmed_entry_is_betrayed_by_the_record_of_the_next(filled: Lake) -> None:
    (folder(filled) / filled.fingerprints(NAME).name(2)).unlink()
    flip(entry(filled, 2), 60)
    damage = only(verified(filled))
    assert (damage.kind, damage.versions) == (Kind.LOST_ENTRY, (2,))


def test_an_emptied_entry_without_a_record_is_a_lost_one(filled: Lake) -> None:
    (folder(filled) / filled.fingerprints(NAME).name(3)).unlink()
    entry(filled, 3).write_bytes(b"")
    assert only(verified(filled)).kind == Kind.LOST_ENTRY


def test_a_file_that_no_version_knows_is_reported_and_is_no_damage(filled: Lake) -> None:
    left = folder(filled) / "month=2024-02/part-00000-killed-c000.zstd.parquet"
    left.write_bytes(b"PAR1")
    state = verified(filled)
    assert (state.damages, state.unknown) == ([], [left.relative_to(folder(filled)).as_posix()])


@pytest.fixture
def with_checkpoint(filled: Lake) -> Lake:
    filled.open(PRICES).create_checkpoint()
    filled.fingerprints(NAME).record_anew(3)
    filled.replace(PRICES, [FEB_2], [prices(FEB_2, A=1.0)], run_id="r")
    return filled


def test_a_harmed_checkpoint_or_hint_is_named(with_checkpoint: Lake) -> None:
    log = folder(with_checkpoint) / "_delta_log"
    (checkpoint,) = log.glob("*.checkpoint.parquet")
    for path in (checkpoint, log / "_last_checkpoint"):
        written = path.read_bytes()
        for found, harm in HARMS.items():
            harm(path)
            damage = only(verified(with_checkpoint))
            assert (damage.kind, damage.file) == (Kind.CHECKPOINT, path.relative_to(with_checkpoint.root).as_posix())
            assert found in damage.found
            path.write_bytes(written)
    assert verified(with_checkpoint).damages == []


def test_a_checkpoint_of_another_program_is_no_damage(with_checkpoint: Lake) -> None:
    with_checkpoint.open(PRICES).create_checkpoint()
    assert verified(with_checkpoint).damages == []


def test_sessions_taken_out_are_owed_until_a_later_commit_has_written_them() -> None:
    taken = {"commitInfo": {"taken_out": json.dumps([["2024-01-02", "2024-01-31"]])}}
    written = {"commitInfo": {"first_session": "2024-01-10", "last_session": "2024-01-31"}}
    before = {"commitInfo": {"first_session": "2024-01-01", "last_session": "2024-02-01"}}
    assert owed({1: [before], 2: [taken]}) == [(JAN_2, date(2024, 1, 31))]
    assert owed({1: [before], 2: [taken], 3: [written]}) == [(JAN_2, date(2024, 1, 9))]
    assert owed({2: [taken], 3: [written], 4: [before]}) == []
