"""A proxy before the tests' S3 server that plays the faults of a bad day."""

import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from assets_tests.s3_server import S3Server


@dataclass
class Exchange:
    """A request on its way through the proxy, and the server's answer to it."""

    method: str
    path: str
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    announced: int | None = None
    """Content-Length to announce when it is not that of the body; None for the truth."""
    reset: bool = False
    """Whether the connection is torn down after the body, as by a reset."""
    silent: bool = False
    """Whether nothing is sent until the client goes away."""
    hung_up: bool = False
    """Whether the connection is reset before anything is sent."""
    dripping: str = ""
    """What comes a byte at a time, without end: `head` or `body`; empty for neither."""


Fault = Callable[[Exchange], None]


@dataclass
class FaultyProxy:
    """An HTTP proxy before the server. Each request takes the next of `faults`; when none is left, `always`."""

    endpoint: str
    faults: list[Fault] = field(default_factory=list)
    always: Fault = field(default=lambda _: None)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every request, in order."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client whose patience ends goes away in the middle of an answer.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        # Without the orderly goodbye that would come before a reset.
        self.close_request(request)


@pytest.fixture
def faulty_proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    """A proxy of this test's own, harmless until it is given faults."""
    upstream = s3_server.endpoint.removeprefix("http://")
    proxy = FaultyProxy(endpoint="")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            proxy.requests.append((self.command, self.path))
            exchange = _forward(upstream, self)
            fault = proxy.faults.pop(0) if proxy.faults else proxy.always
            fault(exchange)
            _answer(self, exchange)

        do_HEAD = do_GET  # noqa: N815 (the name is http.server's)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep quiet."""

    with _Listener(("127.0.0.1", 0), Handler) as listener:
        proxy.endpoint = f"http://127.0.0.1:{listener.server_port}"
        thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield proxy
        listener.shutdown()
        thread.join()


def _forward(upstream: str, request: BaseHTTPRequestHandler) -> Exchange:
    connection = HTTPConnection(upstream)
    try:
        # The Host is part of the signature and must pass unchanged.
        connection.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() != "transfer-encoding"]
        body = answer.read()
        return Exchange(request.command, request.path, answer.status, answer.reason, headers, body)
    finally:
        connection.close()


def _answer(request: BaseHTTPRequestHandler, exchange: Exchange) -> None:
    request.close_connection = True
    if exchange.silent:
        request.rfile.read(1)  # returns when the client gives up
        return
    if exchange.hung_up:
        _reset(request)
        return
    if exchange.dripping == "head":
        _drip(request, b"HTTP/1.1 200 OK\r\nX-Slow: ")
        return
    request.send_response_only(exchange.status, exchange.reason)
    length = len(exchange.body) if exchange.announced is None else exchange.announced
    dropped = {"connection"} if exchange.method == "HEAD" else {"connection", "content-length"}
    for name, value in exchange.headers:
        if name.lower() not in dropped:
            request.send_header(name, value)
    if exchange.method != "HEAD":
        request.send_header("Content-Length", str(length))
    request.send_header("Connection", "close")
    request.end_headers()
    if exchange.dripping == "body":
        _drip(request, b"")
        return
    request.wfile.write(exchange.body)
    request.wfile.flush()
    if exchange.reset:
        _reset(request)


def _reset(request: BaseHTTPRequestHandler) -> None:
    # A linger of zero makes the close a reset.
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _drip(request: BaseHTTPRequestHandler, first: bytes) -> None:
    with suppress(OSError):  # until the client goes away
        request.wfile.write(first)
        while True:
            request.wfile.write(b"x")
            request.wfile.flush()
            time.sleep(0.05)
