"""What every source of flat files must do, put to a folder and to a real S3 server alike."""

import gzip
import hashlib
from datetime import date
from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest
from pydantic import SecretStr

from assets_tests.s3_server import S3Server
from assets_tests.sources.places import BucketPlace, FolderPlace, Place
from pipeline.errors import NotPublished, SettingsError, TransferFailed
from pipeline.sources.choose import flat_files_from
from pipeline.sources.massive.frames import read_day
from pipeline.sources.port import (
    Dataset,
    FlatFile,
    MisplacedFile,
    bookend,
    key_of,
    last_day,
    session_of,
    window,
)

DAY = Dataset.DAY_AGGS
HEADER = "ticker,volume,open,close,high,low,window_start,transactions\n"


@pytest.fixture(scope="module")
def shared_bucket(s3_server: S3Server) -> str:
    return s3_server.make_bucket()


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        (tmp_path / "mirror").mkdir()
        return FolderPlace(tmp_path / "mirror")
    server: S3Server = request.getfixturevalue("s3_server")
    # A folder of the test's own in one bucket: the first object of a bucket costs the server a fifth of a second.
    bucket, prefix = request.getfixturevalue("shared_bucket"), f"mirrors/{uuid4().hex}"
    secret = SecretStr(server.secret)
    source = flat_files_from(f"s3://{bucket}/{prefix}", endpoint=server.endpoint, key_id=server.key_id, secret=secret)
    return BucketPlace(server.client, bucket, prefix, source)


def lay_days(place: Place, *days: date, dataset: Dataset = DAY) -> None:
    for day in days:
        place.lay(key_of(dataset, day), f"file of {day}".encode())


def days_of(files: list[FlatFile]) -> list[date]:
    return [file.session for file in files]


NEW_YEAR = [date(2022, 12, 29), date(2022, 12, 30), date(2023, 1, 3), date(2023, 1, 4), date(2024, 2, 29)]


def test_a_listing_describes_each_file_oldest_first(place: Place) -> None:
    lay_days(place, date(2024, 1, 8), date(2024, 1, 5))

    oldest, newest = place.source.files(DAY)

    assert (oldest.session, newest.session) == (date(2024, 1, 5), date(2024, 1, 8))
    assert oldest.key == "us_stocks_sip/day_aggs_v1/2024/01/2024-01-05.csv.gz"
    assert oldest.size == len(b"file of 2024-01-05")
    assert oldest.etag == hashlib.md5(b"file of 2024-01-05").hexdigest()  # noqa: S324
    assert oldest.last_modified.utcoffset().total_seconds() == 0


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, NEW_YEAR),
        (date(2022, 12, 30), date(2023, 1, 3), NEW_YEAR[1:3]),
        (date(2023, 1, 1), date(2023, 1, 31), NEW_YEAR[2:4]),
        (date(2023, 1, 4), date(2023, 12, 31), NEW_YEAR[3:4]),
        (date(2023, 1, 4), None, NEW_YEAR[3:]),
        (None, date(2022, 12, 30), NEW_YEAR[:2]),
        (date(2023, 6, 1), date(2023, 6, 30), []),
        (date(2025, 1, 1), None, []),
    ],
)
def test_a_range_holds_both_its_ends_and_nothing_else(
    place: Place, start: date | None, end: date | None, expected: list[date]
) -> None:
    lay_days(place, *NEW_YEAR)

    assert days_of(place.source.files(DAY, start, end)) == expected


def test_a_range_that_runs_backwards_is_refused(place: Place) -> None:
    with pytest.raises(SettingsError, match="runs backwards"):
        place.source.files(DAY, date(2024, 1, 8), date(2024, 1, 5))


def test_one_session_is_listed_as_in_a_range(place: Place) -> None:
    lay_days(place, date(2024, 1, 5), date(2024, 1, 8))

    assert place.source.file(DAY, date(2024, 1, 5)) == place.source.files(DAY)[0]


def test_a_session_without_a_file_is_not_published(place: Place) -> None:
    lay_days(place, date(2024, 1, 5))

    with pytest.raises(NotPublished, match=r"2024-01-08\.csv\.gz") as missing:
        place.source.file(DAY, date(2024, 1, 8))
    assert "11:00 New York" in missing.value.remedy


def test_datasets_are_listed_apart(place: Place) -> None:
    lay_days(place, date(2024, 1, 5))
    lay_days(place, date(2024, 1, 8), dataset=Dataset.TRADES)

    assert days_of(place.source.files(DAY)) == [date(2024, 1, 5)]
    assert days_of(place.source.files(Dataset.TRADES)) == [date(2024, 1, 8)]


def test_a_source_without_the_dataset_is_a_wrong_setting(place: Place) -> None:
    lay_days(place, date(2024, 1, 5))

    with pytest.raises(SettingsError, match="CANDLELAKE_FLAT_FILES"):
        place.source.files(Dataset.QUOTES)
    with pytest.raises(SettingsError, match="CANDLELAKE_FLAT_FILES"):
        last_day(place.source, Dataset.QUOTES)


def test_the_last_day_is_the_newest_file(place: Place) -> None:
    lay_days(place, *NEW_YEAR)

    assert last_day(place.source, DAY).session == date(2024, 2, 29)


@pytest.mark.parametrize("days", [1, 2, 3, 5, 9])
def test_a_window_holds_the_last_published_days_across_years(place: Place, days: int) -> None:
    lay_days(place, *NEW_YEAR)

    assert days_of(window(place.source, DAY, days)) == NEW_YEAR[-days:]


def test_a_window_of_no_days_is_refused(place: Place) -> None:
    with pytest.raises(SettingsError, match="at least one day"):
        window(place.source, DAY, days=0)


def test_a_bookend_is_the_first_and_the_last_file(place: Place) -> None:
    lay_days(place, *NEW_YEAR)

    assert days_of(list(bookend(place.source, DAY))) == [date(2022, 12, 29), date(2024, 2, 29)]


def test_a_bookend_of_one_file_is_that_file_twice(place: Place) -> None:
    lay_days(place, date(2024, 1, 5))

    first, last = bookend(place.source, DAY)
    assert first == last


def test_strays_are_ignored(place: Place) -> None:
    lay_days(place, date(2024, 1, 5))
    for stray in ("2024/01/notes.txt", "2024/01/2024-01-08.csv", "2024/01/.2024-01-08.csv.gz.part", "README", "tmp/x"):
        place.lay(f"{DAY}/{stray}", b"stray")

    assert days_of(place.source.files(DAY)) == [date(2024, 1, 5)]
    assert last_day(place.source, DAY).session == date(2024, 1, 5)


@pytest.mark.parametrize(
    "misplaced", ["2024/01/2024-02-05.csv.gz", "2024/01/2024-01-32.csv.gz", "2024/2024-01-05.csv.gz"]
)
def test_a_file_in_the_folder_of_another_date_is_reported_and_not_used(place: Place, misplaced: str) -> None:
    lay_days(place, date(2024, 1, 8))
    place.lay(f"{DAY}/{misplaced}", b"misplaced")

    with pytest.warns(MisplacedFile, match=misplaced):
        files = place.source.files(DAY)
    assert days_of(files) == [date(2024, 1, 8)]


def test_a_source_of_nothing_but_misplaced_files_has_no_last_day(place: Place) -> None:
    place.lay(f"{DAY}/2024/01/2024-02-05.csv.gz", b"misplaced")

    with pytest.warns(MisplacedFile), pytest.raises(NotPublished, match="no dated file"):
        last_day(place.source, DAY)


def test_a_download_brings_the_bytes_and_their_sha256(place: Place, tmp_path: Path) -> None:
    body = bytes(range(256)) * 9000
    place.lay(key_of(DAY, date(2024, 1, 5)), body)
    file = place.source.file(DAY, date(2024, 1, 5))

    download = place.source.download(file, tmp_path / "new" / "day.csv.gz")

    assert download.path.read_bytes() == body
    assert download.sha256 == hashlib.sha256(body).hexdigest()
    assert download.file == file
    assert list(download.path.parent.iterdir()) == [download.path]


def test_a_replaced_file_has_a_new_etag_and_its_old_version_is_refused(place: Place, tmp_path: Path) -> None:
    key, target = key_of(DAY, date(2024, 1, 5)), tmp_path / "day.csv.gz"
    place.lay(key, b"first version")
    listed = place.source.file(DAY, date(2024, 1, 5))
    place.source.download(listed, target)
    place.lay(key, b"other version")

    with pytest.raises(TransferFailed, match="listed"):
        place.source.download(listed, target)
    assert target.read_bytes() == b"first version"

    relisted = place.source.file(DAY, date(2024, 1, 5))
    assert (relisted.size, relisted.etag != listed.etag) == (listed.size, True)
    assert place.source.download(relisted, target).path.read_bytes() == b"other version"


def test_a_file_that_went_away_is_not_published(place: Place, tmp_path: Path) -> None:
    lay_days(place, date(2024, 1, 5))
    file = place.source.file(DAY, date(2024, 1, 5))
    place.source.require_readable(file)
    place.remove(file.key)

    with pytest.raises(NotPublished, match="gone"):
        place.source.download(file, tmp_path / "day.csv.gz")
    with pytest.raises(NotPublished, match="gone"):
        place.source.require_readable(file)
    assert not list(tmp_path.glob("*day*"))


def test_a_target_that_cannot_be_written_is_named_with_the_remedy(place: Place, tmp_path: Path) -> None:
    lay_days(place, date(2024, 1, 5))
    (tmp_path / "occupied").write_text("a file where a folder should be")

    with pytest.raises(TransferFailed, match=r"cannot be written to .*occupied"):
        place.source.download(place.source.file(DAY, date(2024, 1, 5)), tmp_path / "occupied" / "day.csv.gz")


@pytest.mark.parametrize(
    ("volume", "price", "expected"),
    [("248274", "61.68", (248274.0, 61.68)), ("2036584.149027", "61.680000", (2036584.149027, 61.68))],
    ids=["shortest form, before February 2026", "six decimals, since then"],
)
def test_both_number_formats_and_odd_tickers_survive_from_source_to_frame(
    place: Place, volume: str, price: str, expected: tuple[float, float]
) -> None:
    tickers = ["NA", "TRUE", "1E5", "AAp", "AAP", "NULL", "nan", "0001", "BRK.A"]
    rows = "".join(f"{ticker},{volume},{price},{price},{price},{price},1704430800000000000,7\n" for ticker in tickers)
    place.lay(key_of(DAY, date(2024, 1, 5)), gzip.compress((HEADER + rows).encode()))

    whole = read_day(place.source, DAY, date(2024, 1, 5))
    some = read_day(place.source, DAY, date(2024, 1, 5), tickers=["AAp", "NA"])

    assert whole["ticker"].to_list() == tickers
    assert set(whole.select("volume", "close").rows()) == {expected}
    assert some["ticker"].to_list() == ["NA", "AAp"]
    assert whole.schema["volume"] == pl.Float64


def test_a_key_is_the_vendors() -> None:
    assert key_of(Dataset.TRADES, date(2003, 9, 10)) == "us_stocks_sip/trades_v1/2003/09/2003-09-10.csv.gz"
    assert session_of(Dataset.TRADES, "us_stocks_sip/trades_v1/2003/09/2003-09-10.csv.gz") == date(2003, 9, 10)
