"""The REST vendor as a server on loopback: its pages, its links that name its own host, and every error it gives."""

import base64
import json
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

KEY = "planted-rest-key"
SPLITS = "/stocks/v1/splits"

Results = list[dict[str, Any]]
Fault = Callable[[Request], Response]


class VendorApi:
    """Answers as the vendor does, from lists of results; the faults in `faults` come first, one a request."""

    def __init__(self, server: HTTPServer, page: int = 2) -> None:
        self.server = server
        self.page = page
        self.lists: dict[str, Results] = {}
        self.objects: dict[str, dict[str, Any]] = {}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        server.expect_request("").respond_with_handler(self.answer)
        server.expect_request(AnyPath()).respond_with_handler(self.answer)

    @property
    def url(self) -> str:
        return self.server.url_for("").rstrip("/")

    def paths(self) -> list[str]:
        """Return the paths of the requests, with the query, in order."""
        return [request.full_path.rstrip("?") for request in self.requests]

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return as_json({"status": "ERROR", "request_id": "r1", "error": "Unknown API Key"}, 401)
        if self.faults:
            return self.faults.pop(0)(request)
        if request.path in self.objects:
            return as_json({"status": "OK", "request_id": "r1", "results": self.objects[request.path]})
        path, start = request.path, 0
        if "cursor" in request.args:
            # The vendor's cursors are opaque, and the path of the link is not that of the request.
            path, start = json.loads(base64.urlsafe_b64decode(request.args["cursor"]))
        if path not in self.lists:
            return as_json({"status": "NOT_FOUND", "request_id": "r1", "message": "Ticker not found."}, 404)
        return self._page(path, start, self._chosen(path, request))

    def _chosen(self, path: str, request: Request) -> Results:
        active = {"true": True, "false": False}.get(request.args.get("active", ""))
        return [row for row in self.lists[path] if active is None or row.get("active") is active]

    def _page(self, path: str, start: int, rows: Results) -> Response:
        page = rows[start : start + self.page]
        answer: dict[str, Any] = {"status": "OK", "request_id": "r1", "count": len(page), "results": page}
        if start + self.page < len(rows):
            cursor = base64.urlsafe_b64encode(json.dumps([path, start + self.page]).encode()).decode()
            active = f"&active={str(page[0]['active']).lower()}" if "active" in page[0] else ""
            answer["next_url"] = f"https://api.massive.com/further{path}?cursor={cursor}{active}"
        return as_json(answer)


class AnyPath:
    """Equal to every path."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def as_json(answer: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(answer), status, headers, content_type="application/json")


def say(body: str, status: int = 200, headers: dict[str, str] | None = None) -> Fault:
    """Answer every request with this body."""
    return lambda _: Response(body, status, headers, content_type="text/html")


def say_json(answer: object, status: int = 200, headers: dict[str, str] | None = None) -> Fault:
    return lambda _: as_json(answer, status, headers)


def cut_short(request: Request) -> Response:
    """Announce more bytes than come."""
    body = b'{"status": "OK", "results": ['
    return Response(iter([body]), headers={"Content-Length": str(len(body) + 100)}, content_type="application/json")


def reset_midway(request: Request) -> Response:
    """Send a part of a body, then reset the connection."""

    def body() -> Iterator[bytes]:
        yield b'{"status": "OK", "results": ['
        connection: socket.socket = request.environ["werkzeug.socket"]
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return Response(body(), headers={"Content-Length": "1000"}, content_type="application/json")


def fall_silent(request: Request) -> Response:
    """Answer when the client no longer waits, and at once then: the server serves one request after another."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.recv(1)  # returns when the client gives up
    return as_json({"status": "OK", "results": []})
