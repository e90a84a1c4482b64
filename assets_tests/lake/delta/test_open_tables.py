"""Tables kept open: a second look costs nothing, and sees all that was committed since."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from assets_tests.faulty_proxy import FaultyProxy
from assets_tests.lake.conftest import JAN_2, JAN_3, PRICES, prices, stored_closes
from assets_tests.s3_server import S3Server
from pipeline.errors import TableDamaged, TableMissing
from pipeline.lake.delta.maintenance import compact
from pipeline.lake.lake import Lake
from pipeline.lake.storage.s3_prefix import S3Prefix


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | S3Prefix:
    return tmp_path if request.param == "folder" else request.getfixturevalue("s3_server").place()


def written(lake: Lake, session=JAN_2, **values: float) -> None:
    lake.replace(PRICES, [session], [prices(session, **values)], run_id="r")


def test_a_table_without_new_commits_is_opened_once(place: Path | S3Prefix) -> None:
    lake = Lake(place)
    written(lake, A=1.0)
    assert lake.open(PRICES) is lake.open(PRICES)


def test_a_second_look_on_s3_is_one_request(s3_server: S3Server, faulty_proxy: FaultyProxy) -> None:
    place = s3_server.place()
    written(Lake(place), A=1.0)
    looking = Lake(replace(place, endpoint=faulty_proxy.endpoint))
    opened = looking.open(PRICES)
    faulty_proxy.requests.clear()
    assert looking.open(PRICES) is opened
    assert [method for method, _ in faulty_proxy.requests] == ["GET"]


def test_what_others_commit_is_seen_at_the_next_look(place: Path | S3Prefix) -> None:
    lake, other = Lake(place), Lake(place)
    written(lake, A=1.0)
    assert len(stored_closes(lake)) == 1
    written(other, JAN_3, A=2.0)
    assert lake.version(PRICES) == other.version(PRICES)
    assert len(stored_closes(lake)) == 2


def test_who_writes_opens_the_table_for_itself(place: Path | S3Prefix) -> None:
    lake = Lake(place)
    written(lake, A=1.0)
    opened = lake.open(PRICES)
    version = opened.version()
    written(lake, JAN_3, A=2.0)
    compact(lake, PRICES, run_id="r")
    assert opened.version() == version
    assert lake.version(PRICES) == version + 2


def test_an_older_version_leaves_the_newest_as_it_is(place: Path | S3Prefix) -> None:
    lake = Lake(place)
    written(lake, A=1.0)
    written(lake, JAN_3, A=2.0)
    newest = lake.version(PRICES)
    assert lake.open(PRICES, newest - 1).version() == newest - 1
    assert lake.version(PRICES) == newest


def test_a_table_that_was_removed_is_missing_and_made_again_is_another(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    written(lake, A=1.0)
    shutil.rmtree(Path(lake.uri(PRICES)).parent)
    with pytest.raises(TableMissing):
        lake.open(PRICES)
    written(Lake(tmp_path), A=2.0)
    assert stored_closes(lake) == {(JAN_2, "A"): 2.0}


def test_damage_to_the_newest_entry_is_met_by_one_who_looked_before(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    written(lake, A=1.0)
    newest = max(Path(lake.uri(PRICES), "_delta_log").glob("*.json"))
    newest.write_text("{")
    with pytest.raises(TableDamaged):
        lake.open(PRICES)


def test_the_log_has_the_minimum_and_maximum_of_the_key_only(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    written(lake, A=1.0)
    entries = max(Path(lake.uri(PRICES), "_delta_log").glob("*.json")).read_text().splitlines()
    (added,) = [action["add"] for action in map(json.loads, entries) if "add" in action]
    stats = json.loads(added["stats"])
    assert stats["numRecords"] == 1
    assert stats["minValues"].keys() == stats["maxValues"].keys() == {"session", "ticker"}
