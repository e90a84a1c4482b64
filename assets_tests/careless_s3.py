"""An S3 server on loopback that ignores conditions, as several of the kind do. It checks no signature either."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

UNCHANGING = {"ETag": '"any"', "Last-Modified": "Tue, 02 Jan 2024 00:00:00 GMT"}
LISTING = "<?xml version='1.0'?><ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>"


@dataclass
class CarelessServer:
    """A running server and what it holds."""

    endpoint: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    """By path: bucket and key."""
    conditions: dict[str, set[str | None]] = field(default_factory=dict)
    """The `If-None-Match` of the puts of each path."""

    def listed(self, bucket: str, prefix: str, after: str) -> str:
        """Return the entries of a listing."""
        keys = sorted(path.removeprefix(f"{bucket}/") for path in self.objects if path.startswith(f"{bucket}/{prefix}"))
        return "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[f'{bucket}/{key}'])}</Size>"
            "<LastModified>2024-01-02T00:00:00.000Z</LastModified><ETag>any</ETag></Contents>"
            for key in keys
            if key > after
        )


@contextmanager
def careless_server() -> Iterator[CarelessServer]:
    """Run such a server while the context lasts."""
    server = CarelessServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            server.conditions.setdefault(self._path(), set()).add(self.headers["If-None-Match"])
            server.objects[self._path()] = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(200, b"", **UNCHANGING)

        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body = server.objects.get(self._path())
            if "list-type" in query:
                found = server.listed(self._path(), query.get("prefix", ""), query.get("start-after", ""))
                self._answer(200, LISTING.format(found).encode())
            elif body is None:
                self._answer(404, b"")
            elif wanted := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
                first, last = int(wanted[1]), min(int(wanted[2]), len(body) - 1)
                headers = {"Content-Range": f"bytes {first}-{last}/{len(body)}"} | UNCHANGING
                self._answer(206, body[first : last + 1], **headers)
            else:
                self._answer(200, body, **UNCHANGING)

        do_HEAD = do_GET  # noqa: N815 (the name is http.server's)

        def do_DELETE(self) -> None:
            server.objects.pop(self._path(), None)
            self._answer(204, b"")

        def _path(self) -> str:
            return unquote(urlsplit(self.path).path).rstrip("/")

        def _answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        server.endpoint = f"http://127.0.0.1:{listener.server_port}"
        thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        listener.shutdown()
        thread.join()
