"""Listing a bucket: pages, narrow questions, and listings that go wrong, against a real server."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import SecretStr

from assets_tests.faulty_proxy import Exchange, Fault, FaultyProxy
from assets_tests.s3_server import S3Server
from assets_tests.sources.s3_faults import DAY, SESSION, Waits, edit, login_page, refuse
from pipeline.errors import TransferFailed
from pipeline.sources.port import FlatFile, MisplacedFile, bookend, key_of, last_day, window
from pipeline.sources.transfer.s3 import Bucket, S3FlatFiles


@pytest.fixture(scope="module")
def long_history(s3_server: S3Server) -> tuple[Bucket, list[date]]:
    """A bucket of 1,050 days over three years: more than a page of a listing holds."""
    name = s3_server.make_bucket()
    days = [date(2021, 1, 1) + timedelta(days=number) for number in range(1050)]

    def put(day: date) -> None:
        s3_server.client.put_object(Bucket=name, Key=key_of(DAY, day), Body=day.isoformat().encode())

    put(days[0])
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(put, days[1:]))
    return Bucket(name, s3_server.endpoint, s3_server.key_id, SecretStr(s3_server.secret)), days


@pytest.mark.thorough
def test_a_listing_goes_on_past_a_thousand_keys(
    long_history: tuple[Bucket, list[date]], faulty_proxy: FaultyProxy
) -> None:
    bucket, days = long_history
    source = S3FlatFiles(replace(bucket, endpoint=faulty_proxy.endpoint))

    files = source.files(DAY)

    assert [file.session for file in files] == days
    assert len(faulty_proxy.requests) == 2


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("question", "requests"),
    [
        (lambda source: last_day(source, DAY), 3),
        (lambda source: bookend(source, DAY), 6),
        (lambda source: window(source, DAY, 20), 3),
        (lambda source: source.file(DAY, date(2022, 2, 2)), 1),
        (lambda source: source.files(DAY, date(2022, 2, 1), date(2022, 2, 28)), 1),
        (lambda source: source.files(DAY, date(2022, 1, 1), date(2022, 12, 31)), 1),
    ],
    ids=["last day", "bookend", "window", "one session", "one month", "one year"],
)
def test_a_narrow_question_does_not_list_the_history(
    long_history: tuple[Bucket, list[date]],
    faulty_proxy: FaultyProxy,
    question: Callable[[S3FlatFiles], object],
    requests: int,
) -> None:
    source = S3FlatFiles(replace(long_history[0], endpoint=faulty_proxy.endpoint))

    question(source)

    assert len(faulty_proxy.requests) == requests
    assert not [path for _, path in faulty_proxy.requests if "continuation-token" in path]


def test_requests_are_path_style_and_signed(shaky: S3FlatFiles, bucket: Bucket, faulty_proxy: FaultyProxy) -> None:
    shaky.file(DAY, SESSION)

    assert faulty_proxy.requests[0][1].startswith(f"/{bucket.name}?")


def test_elements_of_the_vendors_own_do_not_disturb_a_listing(
    shaky: S3FlatFiles, listed: FlatFile, faulty_proxy: FaultyProxy
) -> None:
    faulty_proxy.always = edit(lambda xml: xml.replace(b"</Size>", b"</Size><Type>Normal</Type>"))

    assert shaky.files(DAY) == [listed]


def test_the_milliseconds_of_a_version_are_kept(shaky: S3FlatFiles, faulty_proxy: FaultyProxy) -> None:
    def stamp(xml: bytes) -> bytes:
        before, _, rest = xml.partition(b"<LastModified>")
        return before + b"<LastModified>2024-01-06T15:59:58.123Z</LastModified>" + rest.partition(b"</LastModified>")[2]

    faulty_proxy.always = edit(stamp)

    moment = datetime(2024, 1, 6, 15, 59, 58, 123_000, tzinfo=UTC)
    assert shaky.file(DAY, SESSION).last_modified == moment
    assert shaky.files(DAY)[0].last_modified == moment


def truncated(token: str) -> Fault:
    """Turn a complete listing into one that promises more behind `token`."""
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>".encode()
    return edit(lambda xml: xml.replace(b"<IsTruncated>false</IsTruncated>", more))


@pytest.mark.parametrize("tokens", [["same", "same"], ["one", "two"]], ids=["same token", "new tokens"])
def test_a_listing_that_runs_in_a_circle_is_an_error(
    shaky: S3FlatFiles, faulty_proxy: FaultyProxy, tokens: list[str]
) -> None:
    # The second page is requested with a token the server never gave: answer it as the first.
    first_page: list[bytes] = []

    def circle(exchange: Exchange) -> None:
        first_page.append(exchange.body)
        exchange.status, exchange.body = 200, first_page[0]
        truncated(tokens[min(len(first_page), len(tokens)) - 1])(exchange)

    faulty_proxy.always = circle

    with pytest.raises(TransferFailed, match="announces more keys, but has none"):
        shaky.files(DAY)
    assert len(faulty_proxy.requests) == 2


def test_a_listing_that_promises_more_without_a_token_is_an_error(
    shaky: S3FlatFiles, faulty_proxy: FaultyProxy
) -> None:
    faulty_proxy.always = edit(
        lambda xml: xml.replace(b"<IsTruncated>false</IsTruncated>", b"<IsTruncated>true</IsTruncated>")
    )

    with pytest.raises(TransferFailed, match="announces more keys, but has none"):
        shaky.files(DAY)


def test_a_key_listed_twice_counts_once_in_its_newest_version(shaky: S3FlatFiles, faulty_proxy: FaultyProxy) -> None:
    def twice(xml: bytes) -> bytes:
        start, end = xml.index(b"<Contents>"), xml.index(b"</Contents>") + len(b"</Contents>")
        entry = xml[start:end]
        stamp = entry[entry.index(b"<LastModified>") : entry.index(b"</LastModified>")]
        older = entry.replace(stamp, b"<LastModified>2001-01-01T00:00:00.000Z")
        newer = entry.replace(stamp, b"<LastModified>2099-01-01T00:00:00.000Z")
        return xml[:start] + newer + older + xml[end:]

    faulty_proxy.always = edit(twice)

    assert [file.last_modified.year for file in shaky.files(DAY)] == [2099]


def test_a_listing_outlasts_a_passing_fault(
    shaky: S3FlatFiles, listed: FlatFile, faulty_proxy: FaultyProxy, waits: Waits
) -> None:
    faulty_proxy.faults = [refuse(503, "SlowDown"), login_page()]

    assert shaky.files(DAY) == [listed]
    assert len(waits.slept) == 2


@pytest.mark.parametrize("page", [b"<html><body>Log in<br></body></html>", b"<html><p>Log in</p></html>", b""])
def test_a_login_page_is_not_taken_for_an_empty_listing(
    shaky: S3FlatFiles, faulty_proxy: FaultyProxy, page: bytes
) -> None:
    faulty_proxy.always = login_page(page)

    with pytest.raises(TransferFailed, match=faulty_proxy.endpoint):
        shaky.files(DAY, SESSION, SESSION)


def test_a_listing_that_never_ends_is_given_up_after_so_many_keys(
    shaky: S3FlatFiles, faulty_proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.sources.transfer.s3.MOST_PAGES", 0)
    days = iter(date(1900, 1, 1) + timedelta(days=number) for number in range(10_000))
    first_page: list[bytes] = []

    def another(exchange: Exchange) -> None:
        first_page.append(exchange.body)
        day = next(days)
        exchange.status, exchange.body = 200, first_page[0].replace(str(SESSION).encode(), str(day).encode())
        truncated(f"after-{day}")(exchange)

    faulty_proxy.always = another

    with pytest.warns(MisplacedFile), pytest.raises(TransferFailed, match="breaks off after 2 keys"):
        shaky.files(DAY)
    assert len(faulty_proxy.requests) == 2
