"""Serves the folder of pages over HTTP, read-only, by default on this machine only."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from pipeline.web.visitors import is_own_name

HOST = "127.0.0.1"
"""The pages show what the reader owns, and there is no login."""

LOG = logging.getLogger(__name__)
"""Logs a failed response; the command line shows it on one line."""

HEADERS = {
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

POLL_SECONDS = 0.05
"""Seconds until the server notices that it must end."""


@contextmanager
def served(folder: Path, port: int, host: str = HOST) -> Iterator[str]:
    """Serve the files under `folder` at `host` while the context lasts, and give the address of its index.

    Port 0 takes any free one. Folders are not listed, nothing can be written, and a request for another host is
    refused: a web page whose name resolves to this machine reads nothing. Raises OSError when the port is taken.
    """
    with PagesServer((host, port), partial(Pages, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, args=(POLL_SECONDS,), name="pages", daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class PagesServer(ThreadingHTTPServer):
    """Serves pages; a visitor who goes away is not an error."""

    def handle_error(self, request, client_address):  # type: ignore[no-untyped-def]  # noqa: ARG002 (as it is called)
        """Log in one line how a response failed; nothing when the visitor closed the connection."""
        error = sys.exception()
        if not isinstance(error, (ConnectionError, TimeoutError)):
            LOG.warning("A page could not be served (%s: %s).", type(error).__name__, error)


class Pages(SimpleHTTPRequestHandler):
    """Responds with the files of a folder."""

    server: ThreadingHTTPServer

    def send_head(self):  # type: ignore[no-untyped-def]
        """Return the requested file, if the request is for this server and the file is in its folder."""
        if not is_own_name(self.headers.get("Host", "")):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "This server answers to its own name only.")
            return None
        if not self._is_in_folder():
            self.send_error(HTTPStatus.NOT_FOUND, "There is no such page.")
            return None
        return super().send_head()

    def _is_in_folder(self) -> bool:
        try:
            path = Path(self.translate_path(self.path)).resolve()
        except (ValueError, OSError, RuntimeError):  # an invalid path, one too long, or a link to itself
            return False
        return path.is_relative_to(Path(self.directory).resolve())

    def list_directory(self, path):  # type: ignore[no-untyped-def]  # noqa: ARG002 (as the class above calls it)
        """Refuse: only linked pages are shown."""
        self.send_error(HTTPStatus.NOT_FOUND, "There is no such page.")

    def end_headers(self) -> None:
        """Send the headers of every response."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the class above calls it that)
        """Log nothing: the terminal does not show page requests."""
