"""A bucket with one day file, and the sources that read it, straight and through the faulty proxy."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from assets_tests.s3_server import FaultyProxy, S3Server
from assets_tests.sources.s3_faults import BODY, DAY, SESSION, Waits
from pipeline.sources.flat_files import FlatFile, key_of
from pipeline.sources.s3 import Bucket, S3FlatFiles


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
