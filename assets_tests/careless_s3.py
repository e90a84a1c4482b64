"""An S3 server on loopback that ignores conditions, as several of the kind do. It checks no signature either."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

LISTING = "<?xml version='1.0'?><ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>"


@dataclass
class CarelessServer:
    """A running server and what it holds."""

    endpoint: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    """By path: bucket and key."""


@contextmanager
def careless_server() -> Iterator[CarelessServer]:
    """Run such a server while the context lasts."""
    server = CarelessServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            server.objects[self._path()] = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(200, b"", ETag='"any"')

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            if "list-type" in query:
                beginning = f"{self._path()}/{query.get('prefix', [''])[0]}"
                found = [path for path in server.objects if path.startswith(beginning)]
                keys = "".join(f"<Contents><Key>{escape(path.split('/', 2)[2])}</Key></Contents>" for path in found)
                self._answer(200, LISTING.format(keys).encode())
            else:
                body = server.objects.get(self._path())
                self._answer(404 if body is None else 200, body or b"")

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
