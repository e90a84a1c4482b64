"""A first commit that is killed or finds the disk full at any step: no table yet, nothing in the way, and made good."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from assets_tests.examples import first_quick
from assets_tests.faults.killing import make_older
from assets_tests.lake.conftest import JAN_2, PRICES, REJECTS, prices, rejects, stored_closes
from pipeline.errors import TableDamaged
from pipeline.lake.lake import Lake
from pipeline.lake.sql import connect
from pipeline.progress import Progress
from pipeline.queries.integrity import verify

NAME = "stocks/prices"
ENTRY = "_delta_log/00000000000000000000.json"


def first_write(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="first")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """Return the files of a first write, in the order in which they appeared."""
    lake = Lake(tmp_path_factory.mktemp("written"))
    first_write(lake)
    folder = Path(lake.uri(PRICES))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 5, "two entries, two records, a data file"
    files.sort(key=lambda path: path.stat().st_mtime_ns)
    return [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in files]


def staged(name: str) -> str:
    """Return what a file is called until it is whole."""
    folder, _, own = name.rpartition("/")
    return f"{folder}/.incoming-0123456789abcdef" if folder == "_hashes" else f"{folder}/{own}#1"


def unfinished(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield how a file can lie there when its write was broken off."""
    yield staged(name), data[: len(data) // 2]
    if name == ENTRY:  # what a power cut makes of a file that was never flushed
        yield name, b""
        yield name, data[: len(data) // 2]


def states(files: list[tuple[str, bytes]]) -> Iterator[dict[str, bytes]]:
    """Yield the files that lie there at each step of the first write."""
    yield {}
    for number, (name, data) in enumerate(files):
        for broken, part in unfinished(name, data):
            yield {**dict(files[:number]), broken: part}
        yield dict(files[: number + 1])


@pytest.fixture
def beside(tmp_path: Path) -> Lake:
    """Return a lake with another table, which must not suffer."""
    lake = Lake(tmp_path / "lake")
    lake.replace(REJECTS, [JAN_2], [rejects(JAN_2, 1)], run_id="r")
    return lake


def lay(lake: Lake, files: dict[str, bytes]) -> Path:
    folder = Path(lake.root, NAME)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "_delta_log").mkdir(parents=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("step", first_quick([3, 1]))
def test_a_first_write_broken_off_at_any_step_blocks_no_one_and_is_made_good(
    written: list[tuple[str, bytes]], beside: Lake, step: int
) -> None:
    for files in list(states(written))[::step]:
        lay(beside, files)
        lake = Lake(beside.root)
        is_there = any(name == ENTRY and data == written[0][1] for name, data in files.items())
        assert lake.tables() == ([NAME] if is_there else []) + ["stocks/rejects"], files.keys()
        assert lake.exists(PRICES) == is_there
        if not is_there:
            assert connect(lake).sql("FROM stocks.rejects").height == 1, files.keys()
        found = verify(lake, Progress())
        assert found.damages == [], files.keys()
        assert list(found.leftovers) == ([] if is_there else [NAME])
        first_write(lake)
        assert stored_closes(Lake(beside.root)) == {(JAN_2, "A"): 1.0}
        assert verify(Lake(beside.root), Progress()).damages == [], files.keys()


def test_maintenance_removes_what_a_first_write_left_once_it_is_a_day_old(beside: Lake) -> None:
    folder = lay(beside, {staged(ENTRY): b"{"})
    assert beside.store.remove_unfinished(older_than=timedelta(days=1)) == []
    make_older(folder.parent, days=2)
    make_older(folder.parent.parent, days=2)
    assert beside.store.remove_unfinished(older_than=timedelta(days=1)) == [NAME]
    assert not folder.exists()
    assert beside.tables() == ["stocks/rejects"]


def test_a_staged_log_entry_goes_with_the_vacuum_of_its_table(beside: Lake) -> None:
    first_write(beside)
    left = Path(beside.root, NAME, staged(ENTRY))
    left.write_bytes(b"{")
    make_older(left.parent, days=3)
    assert beside.store.remove_leftovers(NAME, older_than=timedelta(days=1)) == [staged(ENTRY)]


HARMS: dict[str, Callable[[Path], object]] = {
    "the log": lambda folder: shutil.rmtree(folder / "_delta_log"),
    "every entry": lambda folder: [path.unlink() for path in (folder / "_delta_log").iterdir()],
}


@pytest.mark.parametrize("lost", first_quick(HARMS))
def test_a_table_whose_log_is_lost_is_no_leftover_but_damaged(beside: Lake, lost: str) -> None:
    first_write(beside)
    HARMS[lost](Path(beside.root, NAME))
    lake = Lake(beside.root)
    assert connect(lake).sql("FROM stocks.rejects").height == 1
    with pytest.raises(TableDamaged):
        lake.exists(PRICES)
    found = verify(lake, Progress())
    assert {damage.table for damage in found.damages} == {"stocks.prices"}
    assert found.leftovers == []
    make_older(Path(beside.root), days=9)
    assert lake.store.remove_unfinished(older_than=timedelta(days=1)) == []


def test_data_files_without_any_log_or_record_are_named(beside: Lake) -> None:
    first_write(beside)
    for own in ("_delta_log", "_hashes"):
        shutil.rmtree(Path(beside.root, NAME, own))
    Path(beside.root, NAME, "_delta_log").mkdir()
    (damage,) = verify(Lake(beside.root), Progress()).damages
    assert (damage.table, damage.found) == ("stocks.prices", "is missing, and so is every other")
