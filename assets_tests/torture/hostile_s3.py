"""A proxy before the tests' S3 server that refuses some puts, and whose listings lag behind."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

from assets_tests.s3_server import S3Server

_OBJECT = re.compile(r"<Contents>.*?<Key>(.*?)</Key>.*?</Contents>", re.DOTALL)


@dataclass
class HostileS3:
    """The proxy. It does what the server does, except for what `refuses` and `hides` pick."""

    endpoint: str = ""
    refuses: Callable[[BaseHTTPRequestHandler], bool] = field(default=lambda _: False)
    """Whether a request is answered with 503 instead."""
    hides: Callable[[str], bool] = field(default=lambda _: False)
    """Whether the listing does not know an object's key yet."""
    refused: int = 0
    hidden: int = 0


def is_conditional_put(request: BaseHTTPRequestHandler) -> bool:
    """Return whether a request puts something only if it is not there."""
    return request.command == "PUT" and "If-None-Match" in request.headers


@contextmanager
def hostile(server: S3Server) -> Iterator[HostileS3]:
    """Give such a proxy while the context lasts."""
    proxy = HostileS3()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _pass_on(self, proxy, server.endpoint.removeprefix("http://"))

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 (the names are http.server's)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        proxy.endpoint = f"http://127.0.0.1:{listener.server_port}"
        Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield proxy
        listener.shutdown()


def _pass_on(request: BaseHTTPRequestHandler, proxy: HostileS3, upstream: str) -> None:
    sent = request.rfile.read(int(request.headers.get("Content-Length") or 0))
    if proxy.refuses(request):
        proxy.refused += 1
        _answer(request, 503, [], b"<Error><Code>SlowDown</Code><Message>Not now.</Message></Error>")
        return
    connection = HTTPConnection(upstream)
    try:
        # The Host is part of the signature and must pass unchanged.
        connection.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.endheaders(sent)
        answer = connection.getresponse()
        body = answer.read()
        if request.command == "GET" and b"<ListBucketResult" in body[:400]:
            body = _lagging(body.decode(), proxy).encode()
        _answer(request, answer.status, answer.getheaders(), body)
    finally:
        connection.close()


def _lagging(listing: str, proxy: HostileS3) -> str:
    def visible(found: re.Match[str]) -> str:
        is_hidden = proxy.hides(unquote(found[1]))
        proxy.hidden += is_hidden
        return "" if is_hidden else found[0]

    return _OBJECT.sub(visible, listing)


def _answer(request: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    request.send_response_only(status)
    is_head = request.command == "HEAD"
    dropped = {"connection", "transfer-encoding"} | (set() if is_head else {"content-length"})
    for name, value in headers:
        if name.lower() not in dropped:
            request.send_header(name, value)
    if not is_head and status != 204:
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if not is_head:
        request.wfile.write(body)
