"""Tables on a real S3 server: written, read and maintained as in a folder."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from assets_tests.lake.conftest import FEB_1, JAN_2, JAN_3, JAN_4, PRICES, REJECTS, fill, prices, rejects, stored_closes
from pipeline.errors import QueryError, SettingsError, TableDamaged, TableMissing, VersionGone, WriteConflict
from pipeline.lake.delta import maintenance
from pipeline.lake.delta.files import files_of
from pipeline.lake.delta.log_entries import entry_name
from pipeline.lake.delta.log_keeping import is_log_kept
from pipeline.lake.delta.maintenance import CompactedPartition, compact, vacuum
from pipeline.lake.delta.past import rows_at
from pipeline.lake.lake import Lake
from pipeline.lake.sql import connect
from pipeline.lake.storage.s3_objects import S3Objects
from pipeline.progress import Progress
from pipeline.queries.integrity import verify


@pytest.fixture
def place(s3_server):
    return s3_server.place()


@pytest.fixture
def lake(place):
    return Lake(place)


@pytest.fixture
def filled(lake):
    for day, close in ((JAN_2, 1.0), (JAN_3, 2.0), (FEB_1, 3.0)):
        lake.replace(PRICES, [day], [prices(day, A=close)], run_id="r")
    return lake


def test_there_is_no_table_before_the_first_write(lake):
    assert not lake.exists(PRICES)
    assert lake.tables() == []
    with pytest.raises(TableMissing):
        lake.scan(PRICES)


def test_a_replaced_session_holds_exactly_the_new_rows_and_the_old_version_stays_readable(filled):
    filled.replace(PRICES, [JAN_3], [prices(JAN_3, B=9.0)], run_id="again")
    assert stored_closes(filled) == {(JAN_2, "A"): 1.0, (JAN_3, "B"): 9.0, (FEB_1, "A"): 3.0}
    assert stored_closes(filled, version=3) == {(JAN_2, "A"): 1.0, (JAN_3, "A"): 2.0, (FEB_1, "A"): 3.0}
    assert filled.history("stocks/prices")["run_id"].to_list() == ["again", "r", "r", "r", None]
    assert filled.sessions(PRICES) == [JAN_2, JAN_3, FEB_1]


@pytest.mark.thorough
def test_tables_are_those_with_a_log_under_the_prefix(filled, place):
    objects = S3Objects(place)
    objects.put("raw/us_stocks_sip/day_aggs_v1/_delta_log/x.json", b"{}")
    objects.put("stocks/notes/readme.txt", b"no table")
    filled.replace(REJECTS, [JAN_2], [rejects(JAN_2, 1)], run_id="r")
    assert filled.tables() == ["stocks/prices", "stocks/rejects"]


@pytest.mark.thorough
def test_every_tenth_commit_spares_readers_those_before_it(lake, place):
    for close in range(1, 13):
        lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=float(close))], run_id="r")
    log = S3Objects(place).names("stocks/prices/_delta_log/")
    assert len([name for name in log if name.endswith(".checkpoint.parquet")]) == 1
    assert stored_closes(lake) == {(JAN_2, "A"): 12.0}
    assert stored_closes(lake, version=3) == {(JAN_2, "A"): 3.0}


@pytest.mark.thorough
def test_a_whole_bucket_can_be_the_lake(s3_server):
    lake = Lake(s3_server.place(bucket=s3_server.make_bucket(), prefix=""))
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
    assert lake.tables() == ["stocks/prices"]
    assert connect(lake).sql("SELECT close FROM stocks.prices").rows() == [(1.0,)]


def test_a_table_whose_log_is_lost_is_damaged_and_not_taken_for_missing(filled, place):
    objects = S3Objects(place)
    for name in list(objects.names("stocks/prices/_delta_log/")):
        objects.delete(name)
    with pytest.raises(TableDamaged, match=r"stocks\.prices has data files but no readable log in s3://"):
        filled.exists(PRICES)


@pytest.mark.thorough
def test_a_version_that_is_gone_is_reported_as_in_a_folder_and_the_log_is_kept(filled, place):
    filled.replace(PRICES, [JAN_2], [prices(JAN_2, A=9.0)], run_id="again")
    assert is_log_kept(filled.open(PRICES))
    objects = S3Objects(place)
    needed = {f"stocks/prices/{path}" for path in files_of(filled.open(PRICES))["path"]}
    for name in list(objects.names("stocks/prices/month=")):
        if name not in needed:
            objects.delete(name)
    with pytest.raises(VersionGone, match=r"Version 3 of stocks\.prices can no longer be read"):
        rows_at(filled, PRICES, 3, JAN_2, JAN_2)
    assert rows_at(filled, PRICES, 3, JAN_3, JAN_3)["close"].to_list() == [2.0]
    with pytest.raises(QueryError, match=r"Version 3 of stocks\.prices can no longer be read"):
        connect(filled).sql("FROM stocks.prices AT (VERSION => 3)")


@pytest.mark.thorough
def test_a_log_whose_beginning_is_gone_is_no_damage_and_the_trail_goes_on(lake, place):
    fill(lake, 12)
    before = lake.trail(PRICES).commits()
    objects = S3Objects(place)
    for version in range(9):
        objects.delete(f"stocks/prices/{entry_name(version)}")
    again = Lake(place)
    assert again.trail(PRICES).commits().equals(before)
    assert again.history("stocks/prices")["version"].min() == 9
    assert verify(again, Progress()).damages == []
    assert len(rows_at(again, PRICES, 2)) == 2


@pytest.mark.thorough
def test_an_object_store_has_no_table_without_a_version(filled, place):
    objects = S3Objects(place)
    objects.put("stocks/begun/_delta_log/_commit_1.json.tmp", b"{")
    lake = Lake(place)
    assert lake.tables() == ["stocks/prices"]
    found = verify(lake, Progress())
    assert (found.damages, list(found.leftovers)) == ([], ["stocks/begun"])
    assert len(connect(lake).sql("FROM stocks.prices")) == 3


def test_the_later_of_two_writers_of_one_session_learns_that_it_lost(filled):
    def overtaken():
        filled.replace(PRICES, [JAN_2], [prices(JAN_2, FIRST=1.0)], run_id="first")
        yield prices(JAN_2, SECOND=2.0)

    with pytest.raises(WriteConflict):
        filled.replace(PRICES, [JAN_2], overtaken(), run_id="second")
    assert stored_closes(filled)[JAN_2, "FIRST"] == 1.0
    assert (JAN_2, "SECOND") not in stored_closes(filled)


@pytest.mark.thorough
def test_writers_of_several_months_at_once_all_succeed(filled):
    days = [JAN_2.replace(month=month) for month in range(3, 9)]
    together, failed = Barrier(len(days)), []

    def write(day):
        together.wait()
        try:
            filled.replace(PRICES, [day], [prices(day, A=float(day.month))], run_id="r")
        except Exception as error:
            failed.append(error)

    writers = [Thread(target=write, args=(day,)) for day in days]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failed == []
    assert {day: stored_closes(filled)[day, "A"] for day in days} == {day: float(day.month) for day in days}


@pytest.mark.thorough
def test_each_month_becomes_one_file(filled):
    before = stored_closes(filled)
    assert compact(filled, PRICES, run_id="r") == [
        CompactedPartition(month="2024-01", rows=2, files_before=2, files_after=1)
    ]
    assert stored_closes(filled) == before
    assert compact(filled, PRICES, run_id="r") == []


def test_vacuum_removes_replaced_files_orphans_and_unfinished_uploads_but_nothing_that_is_needed(
    filled, place, s3_server, monkeypatch
):
    # A server's clock cannot be set: what is removed here is what is older than now.
    monkeypatch.setattr(maintenance, "SHORTEST_RETENTION", timedelta())
    compact(filled, PRICES, run_id="r")
    objects, table = S3Objects(place), "stocks/prices/"
    objects.put(f"{table}month=2024-01/part-orphan.parquet", b"of a killed writer")
    unfinished = f"{table}month=2024-01/part-unfinished.parquet"
    s3_server.client.create_multipart_upload(Bucket=place.bucket, Key=place.key(unfinished))
    before = stored_closes(filled)
    removed = vacuum(filled, PRICES, keep=timedelta(), run_id="r")
    assert len(removed) == 4, "two files that were joined, the orphan and the upload"
    assert stored_closes(filled) == before
    left = {name for name in objects.names(table) if name.endswith(".parquet")}
    assert left == {uri.removeprefix(f"{place}/") for uri in filled.open(PRICES).file_uris()}
    left_open = s3_server.client.list_multipart_uploads(Bucket=place.bucket, Prefix=place.prefix)
    assert left_open.get("Uploads", []) == []


@pytest.mark.thorough
def test_vacuum_keeps_what_the_retention_needs(filled):
    compact(filled, PRICES, run_id="r")
    assert vacuum(filled, PRICES, keep=timedelta(days=30), run_id="r") == []
    assert stored_closes(filled, version=2) == {(JAN_2, "A"): 1.0, (JAN_3, "A"): 2.0}


@pytest.mark.thorough
def test_what_is_set_for_other_programs_in_the_environment_does_not_change_where_the_lake_lies(filled, monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "other",
        "AWS_SECRET_ACCESS_KEY": "other",
        "AWS_REGION": "eu-central-1",
        "AWS_CONDITIONAL_PUT": "disabled",
        "AWS_S3_ALLOW_UNSAFE_RENAME": "true",
    }.items():
        monkeypatch.setenv(name, value)
    again = Lake(filled.store.place)
    again.replace(PRICES, [JAN_4], [prices(JAN_4, A=4.0)], run_id="r")
    assert stored_closes(again)[JAN_4, "A"] == 4.0
    assert connect(again).sql("SELECT count(*) FROM stocks.prices").item() == 4


def test_a_session_token_of_other_credentials_is_refused_before_it_goes_out_with_the_lake_s(place, monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "planted-token")
    with pytest.raises(SettingsError, match="Unset it") as refused:
        Lake(place)
    assert "planted" not in str(refused.value)
