"""Receipts and log entries whose JSON was tampered with, or that another program wrote: refused or made the best of."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from assets_tests.examples import first_quick
from assets_tests.lake.conftest import JAN_2, JAN_3, PRICES, prices
from pipeline.errors import CandlelakeError, FileRefused, TableDamaged
from pipeline.lake.delta.commits import Changes, changed_since
from pipeline.lake.delta.fingerprints import RecordDamaged
from pipeline.lake.delta.log_entries import actions_of, entry_name
from pipeline.lake.delta.maintenance import compact, vacuum
from pipeline.lake.integrity.damage import Kind
from pipeline.lake.lake import Lake
from pipeline.lake.raw.receipts import parse_receipt
from pipeline.progress import Progress
from pipeline.queries.integrity import verify

TAMPERED = [
    b"[" * 100_000,
    b'{"session":' * 100_000,
    b"9" * 5_000,
    b'{"session": "\\ud800"}',
    b"\xed\xa0\x80",
    b'{"add": {"size": 1, "size": 2}}',
]
WHOLE = b'{"session": "%s", "key": "k", "etag": "e", "size": 1, "last_modified": "%s", "sha256": "s"}'


@pytest.mark.parametrize("text", [*TAMPERED, WHOLE % (b"0000-00-00", b"2024-01-05"), WHOLE % (b"2024-01-05", b"99999")])
def test_a_receipt_is_refused_by_its_place(text):
    with pytest.raises(FileRefused, match="The receipt there is damaged"):
        parse_receipt(text, "there")


@pytest.mark.parametrize("text", TAMPERED)
def test_a_log_entry_is_no_entry(text):
    with pytest.raises(ValueError, match=r".+"):
        actions_of(text)


NAME = "stocks/prices"

DEEP = "[" * 5_000 + "]" * 5_000


def commit_info(**fields: object) -> str:
    return json.dumps({"commitInfo": {"timestamp": 1, "operation": "WRITE"} | fields})


def added(**fields: object) -> str:
    file = {"path": "x.parquet", "size": 1, "modificationTime": 1, "dataChange": True}
    return json.dumps({"add": file | {"partitionValues": {"month": "2024-01"}} | fields})


ODD_COMMIT_INFOS = {
    "versions read, nested deeply": commit_info(read=DEEP),
    "versions read, as a list": commit_info(read=[1]),
    "versions read, as a number": commit_info(read=5),
    "versions read, of other things": commit_info(read="[1]"),
    "versions read, huge": commit_info(read="[" + "9" * 5_000 + "]"),
    "a version read that no column holds": commit_info(read='[{"table": "a", "version": 1' + "0" * 30 + "}]"),
    "sessions as numbers": commit_info(first_session=5, last_session=6),
    "sessions that are no days": commit_info(first_session="0000-99-00", last_session="x"),
    "one session only": commit_info(first_session="2024-01-02"),
    "no moment": json.dumps({"commitInfo": {"operation": "WRITE"}}),
    "a moment beyond all years": commit_info(timestamp=2**63 - 1),
    "a run that is an object": commit_info(run_id={"a": 1}),
    "a number taken out": commit_info(taken_out="5"),
    "depths taken out": commit_info(taken_out=DEEP),
    "no days taken out": commit_info(taken_out='[["x", "y"]]'),
    "nothing": json.dumps({"txn": {"appId": "x", "version": 1}}),
    # Delta opens these, and cannot read what is in them.
    "a moment in words": commit_info(timestamp="now"),
    "a moment that is no whole number": commit_info(timestamp=1e300),
    "an operation that is a number": commit_info(operation=5),
}
"""Entries that change no row; Delta lets a program write anything into them."""

NO_ENTRIES = {
    "nested deeply": '{"commitInfo": {"timestamp": 1, "operation": "WRITE", "x": ' + DEEP + "}}",
    "a moment of thousands of digits": '{"commitInfo": {"timestamp": ' + "9" * 5_000 + ', "operation": "WRITE"}}',
    "an operation given twice": '{"commitInfo": {"timestamp": 1, "operation": "WRITE", "operation": "OPTIMIZE"}}',
    "a list of commit information": '{"commitInfo": [1]}',
    "a file without a name": added(path=5),
    "a file without a size": added(size=None),
    "a removed file without a name": '{"remove": {"path": 7}}',
}

ODD_FILES = {
    "statistics nested deeply": added(stats=DEEP),
    "statistics that are a number": added(stats="5"),
    "sessions that are none": added(stats='{"minValues": {"session": "xx"}, "maxValues": 5, "numRecords": "a"}'),
    "a partition that is no month": added(partitionValues={"month": "zzz"}),
    "no partition": added(partitionValues={}),
}
"""Entries that bring a file which is not there."""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path)
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
    return lake


def entered(lake: Lake, entry: str) -> Lake:
    """Return the lake with one more entry in its table's log."""
    Path(lake.root, NAME, entry_name(lake.version(PRICES) + 1)).write_text(f"{entry}\n")
    return Lake(lake.root)


def kinds(lake: Lake) -> list[Kind]:
    return [damage.kind for damage in verify(lake, Progress()).damages]


@pytest.mark.parametrize("what", first_quick(ODD_COMMIT_INFOS, quick=3))
def test_odd_commit_info_of_another_program_stops_no_operation(lake: Lake, what: str) -> None:
    lake = entered(lake, ODD_COMMIT_INFOS[what])
    (commit,) = lake.history(NAME).filter(version=2).iter_rows(named=True)
    assert (commit["run_id"], commit["first_session"], commit["last_session"], commit["read"]) == (None,) * 4
    assert commit["changes"] in {Changes.ANY, Changes.TAKEN_OUT}
    assert kinds(lake) == []
    assert lake.replace(PRICES, [JAN_3], [prices(JAN_3, A=2.0)], run_id="r").version == 3
    compact(lake, PRICES, run_id="maintenance")
    vacuum(lake, PRICES, keep=timedelta(days=2), run_id="maintenance")
    assert lake.scan(PRICES).collect()["session"].sort().to_list() == [JAN_2, JAN_3]


@pytest.mark.parametrize("what", first_quick(NO_ENTRIES, quick=3))
def test_what_is_no_entry_of_a_log_is_named_by_verify_and_ends_in_no_error_of_a_library(lake: Lake, what: str) -> None:
    lake = entered(lake, NO_ENTRIES[what])
    (damage,) = verify(lake, Progress()).damages
    assert (damage.kind, damage.file) == (Kind.LOST_ENTRY, f"{NAME}/{entry_name(2)}")
    require_no_error_of_a_library(lake)


@pytest.mark.parametrize("what", first_quick(ODD_FILES, quick=3))
def test_a_file_that_another_program_described_oddly_counts_as_missing(lake: Lake, what: str) -> None:
    lake = entered(lake, ODD_FILES[what])
    assert kinds(lake) == [Kind.DATA]
    require_no_error_of_a_library(lake)


def require_no_error_of_a_library(lake: Lake) -> None:
    """Fail if anything that looks at the log, not at the data files, ends in an error that is not ours."""
    reads: list[Callable[[], Any]] = [
        lambda: lake.version(PRICES),
        lambda: lake.history(NAME),
        lambda: lake.trail(PRICES).commits(),
        lambda: lake.trail(PRICES).files_of(2),
        lambda: changed_since(lake.open(PRICES), 1),
        lambda: vacuum(lake, PRICES, keep=timedelta(days=2), run_id="maintenance"),
    ]
    for one in reads:
        with suppress(CandlelakeError):
            one()


def test_a_table_whose_last_commit_says_what_delta_cannot_read_is_not_written_on_a_guess(lake: Lake) -> None:
    lake = entered(lake, ODD_COMMIT_INFOS["a moment in words"])
    with pytest.raises(TableDamaged, match=r"metadata of a commit of stocks\.prices cannot be read") as damaged:
        changed_since(lake.open(PRICES), 1)
    assert "candlelake verify" in damaged.value.remedy


@pytest.mark.parametrize(
    "line", first_quick([b"[" * 100_000, b"9" * 5_000, b"[]", b"{}", b'{"version": 1, "version": 2}'])
)
def test_a_record_whose_checksum_fits_and_that_is_none_is_damaged(lake: Lake, line: bytes) -> None:
    records = lake.fingerprints(NAME)
    checksum = hashlib.sha256(line).hexdigest().encode()
    Path(lake.root, NAME, records.name(1)).write_bytes(line + b"\n" + checksum + b"\n")
    with pytest.raises(RecordDamaged):
        records.get(1)
    assert kinds(lake) == [Kind.RECORD]
