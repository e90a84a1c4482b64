"""A bucket with one day file, and the sources that read it, straight and through the faulty proxy; the REST vendor."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from assets_tests.faulty_proxy import FaultyProxy
from assets_tests.s3_server import S3Server
from assets_tests.sources.s3_faults import BODY, DAY, SESSION, Waits
from assets_tests.sources.vendor_rest import KEY, SPLITS, VendorApi
from pipeline.sources.massive.rest import Rest
from pipeline.sources.port import FlatFile, key_of
from pipeline.sources.transfer.s3 import Bucket, S3FlatFiles


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> Bucket:
    """A bucket with one day file."""
    name = s3_server.make_bucket()
    s3_server.client.put_object(Bucket=name, Key=key_of(DAY, SESSION), Body=BODY)
    return Bucket(name, s3_server.endpoint, s3_server.key_id, SecretStr(s3_server.secret))


@pytest.fixture
def source(bucket: Bucket, waits: Waits) -> S3FlatFiles:
    return S3FlatFiles(bucket, waits.patience())


@pytest.fixture
def shaky(bucket: Bucket, faulty_proxy: FaultyProxy, waits: Waits) -> S3FlatFiles:
    """The same bucket behind the proxy."""
    return S3FlatFiles(replace(bucket, endpoint=faulty_proxy.endpoint), waits.patience(attempts=4))


@pytest.fixture
def listed(source: S3FlatFiles) -> FlatFile:
    return source.file(DAY, SESSION)


@pytest.fixture
def vendor(httpserver: HTTPServer) -> VendorApi:
    """The REST vendor, who knows of splits of five tickers on three pages."""
    api = VendorApi(httpserver)
    api.lists[SPLITS] = [{"ticker": ticker} for ticker in "ABCDE"]
    return api


@pytest.fixture
def rest(vendor: VendorApi, waits: Waits) -> Iterator[Rest]:
    """A session whose waits take no time, except for a silence."""
    patience = waits.patience(read_timeout=2.0)
    with Rest(vendor.url, SecretStr(KEY), calls_per_minute=10_000, patience=patience) as session:
        yield session
