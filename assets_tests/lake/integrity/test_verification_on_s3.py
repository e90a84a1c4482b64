"""On a real S3 server: what commits wrote is recorded there, and what has changed since is found."""

import pytest

from assets_tests.lake.conftest import FEB_1, JAN_2, PRICES, prices
from pipeline.errors import TableDamaged
from pipeline.lake.delta.log_entries import entry_name
from pipeline.lake.integrity.damage import Kind
from pipeline.lake.integrity.mending import Mending
from pipeline.lake.lake import Lake
from pipeline.progress import Progress
from pipeline.queries.integrity import verify

NAME = "stocks/prices"


@pytest.fixture
def lake(s3_server) -> Lake:
    filled = Lake(s3_server.place())
    filled.replace(PRICES, [JAN_2, FEB_1], [prices(JAN_2, A=1.0), prices(FEB_1, A=1.0)], run_id="r")
    return filled


def test_every_object_of_a_commit_is_recorded_and_whole(lake: Lake) -> None:
    state = verify(lake, Progress()).tables[NAME]
    assert (state.damages, state.unrecorded, state.unknown) == ([], [], [])
    assert (state.checked, state.rows) == (2, 2)


def test_a_changed_or_missing_object_is_found(lake: Lake) -> None:
    one, other = sorted(verify(lake, Progress()).tables[NAME].files)
    data = bytearray(lake.objects.read(f"{NAME}/{one}"))
    data[40] ^= 1
    lake.objects.put(f"{NAME}/{one}", bytes(data))
    lake.objects.delete(f"{NAME}/{other}")
    found = {damage.file: (damage.kind, damage.found) for damage in verify(lake, Progress()).damages}
    assert found == {
        f"{NAME}/{one}": (Kind.DATA, "holds other bytes than were written"),
        f"{NAME}/{other}": (Kind.DATA, "is missing"),
    }


def test_an_emptied_newest_commit_stops_writers_and_is_put_back(lake: Lake) -> None:
    name = f"{NAME}/{entry_name(1)}"
    written = lake.objects.read(name)
    lake.objects.put(name, b"")
    with pytest.raises(TableDamaged, match="verify --repair"):
        lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=2.0)], run_id="r")
    state = verify(lake, Progress()).tables[NAME]
    assert Mending(lake, "moment", "r").put_back_entries(state) == [1]
    assert lake.objects.read(name) == written
    assert verify(lake, Progress()).damages == []
