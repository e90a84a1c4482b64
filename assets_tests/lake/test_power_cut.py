"""After a power cut, all is there that was reported as written: played on a disk that keeps only what was flushed."""

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from assets_tests.dagster_runs import instance, run
from assets_tests.examples import first_quick
from assets_tests.lake.conftest import FEB_1, JAN_2, JAN_3, PRICES, prices, stored_closes
from assets_tests.lake.raw.test_raw_files import DATASET, DAY, stored
from assets_tests.power_cut import PowerCut
from assets_tests.vendor_day import VendorFolder, row
from pipeline.lake.delta.maintenance import compact, vacuum
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.progress import Progress
from pipeline.queries.integrity import verify

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc shows what a descriptor stands for")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> PowerCut:
    return PowerCut(monkeypatch)


def replace(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2, FEB_1], [prices(JAN_2, A=1.0), prices(FEB_1, A=1.0)], run_id="r")
    lake.replace(PRICES, [JAN_3], [prices(JAN_3, A=2.0)], run_id="r")


def with_a_checkpoint(lake: Lake) -> None:
    for number in range(101):
        lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0 + number)], run_id="r")


def maintained(lake: Lake) -> None:
    replace(lake)
    compact(lake, PRICES, run_id="r")
    vacuum(lake, PRICES, keep=timedelta(days=1), run_id="r")


@pytest.mark.parametrize("written", first_quick([replace, with_a_checkpoint, maintained]))
def test_what_was_committed_to_a_table_is_there_to_the_last_file(
    disk: Path, cut: PowerCut, tmp_path: Path, written: Callable[[Lake], None]
) -> None:
    lake = Lake(disk / "home/lake")
    written(lake)
    after = Lake(cut.survivors(disk, tmp_path / "after") / "home/lake")
    assert stored_closes(after) == stored_closes(lake)
    assert after.version(PRICES) == lake.version(PRICES)
    assert files(Path(after.root)) == files(Path(lake.root))


def test_a_table_that_was_only_created_is_there(disk: Path, cut: PowerCut, tmp_path: Path) -> None:
    lake = Lake(disk / "home/lake")
    with pytest.raises(RuntimeError):
        lake.replace(PRICES, [JAN_2], broken(), run_id="r")
    assert Lake(cut.survivors(disk, tmp_path / "after") / "home/lake").version(PRICES) == 0


def broken():
    raise RuntimeError
    yield


def test_a_vendor_file_and_the_version_it_replaced_are_there(disk: Path, cut: PowerCut, tmp_path: Path) -> None:
    raw = RawFiles(disk / "home/lake")
    first, second = stored(raw, b"first"), stored(raw, b"second")
    after = RawFiles(cut.survivors(disk, tmp_path / "after") / "home/lake")
    assert after.versions(DATASET, DAY) == [first, second]
    assert [after.read(receipt) for receipt in (first, second)] == [b"first", b"second"]


def test_all_that_a_run_wrote_is_there_tables_vendor_files_pages_and_catalog(
    tmp_path: Path, disk: Path, cut: PowerCut
) -> None:
    vendor = VendorFolder(tmp_path)
    vendor.lay(DAY, row(DAY, "AAPL"), row(DAY, "MSFT"), row(DAY, "BAD", "-1"))
    settings = vendor.settings(max_bad_share=0.5, home=disk / "home")
    with instance() as dagster:
        assert run(settings, [DAY], instance=dagster).success
    home = cut.survivors(disk, tmp_path / "after") / "home"
    for part in ("lake", "reports", "candlelake.duckdb"):
        assert files(home / part) == files(settings.home / part), part
    assert verify(Lake(home / "lake"), Progress()).damages == []


def files(place: Path) -> dict[str, bytes]:
    """Return the files at a place, without the locks of a run's."""
    found = [place] if place.is_file() else sorted(place.rglob("*"))
    return {str(path.relative_to(place)): path.read_bytes() for path in found if path.is_file()}
