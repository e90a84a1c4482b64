"""The folder of pages over HTTP, read-only, and on this machine only unless told otherwise."""

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
"""The pages tell what the reader owns, and there is no login."""

SAID = logging.getLogger(__name__)
"""Told of an answer that failed; the command line shows it in a line."""

HEADERS = {
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

POLL_SECONDS = 0.05
"""How soon the server notices that it is to end."""


@contextmanager
def served(folder: Path, port: int, host: str = HOST) -> Iterator[str]:
    """Serve the files under `folder` at `host` while the context lasts, and give the address of its index.

    Port 0 takes any that is free. Folders are not listed, nothing can be written, and a request that names another
    host is refused: a page of the web whose name leads to this machine reads nothing. Raises OSError when the port is
    taken.
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
    """Serves pages, and takes no word of a visitor who went away for a fault."""

    def handle_error(self, request, client_address):  # type: ignore[no-untyped-def]  # noqa: ARG002 (as it is called)
        """Say in a line how an answer failed; nothing, when the visitor broke it off."""
        failed = sys.exception()
        if not isinstance(failed, (ConnectionError, TimeoutError)):
            SAID.warning("A page could not be served (%s: %s).", type(failed).__name__, failed)


class Pages(SimpleHTTPRequestHandler):
    """Answers with the files of a folder."""

    server: ThreadingHTTPServer

    def send_head(self):  # type: ignore[no-untyped-def]
        """Return the file asked for, once the request is known to mean this server."""
        if not is_own_name(self.headers.get("Host", "")):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "This server answers to its own name only.")
            return None
        if not self._lies_in_the_folder():
            self.send_error(HTTPStatus.NOT_FOUND, "There is no such page.")
            return None
        return super().send_head()

    def _lies_in_the_folder(self) -> bool:
        try:
            asked = Path(self.translate_path(self.path)).resolve()
        except (ValueError, OSError, RuntimeError):  # no path at all, one too long, or a link that leads to itself
            return False
        return asked.is_relative_to(Path(self.directory).resolve())

    def list_directory(self, path):  # type: ignore[no-untyped-def]  # noqa: ARG002 (as the class above calls it)
        """Refuse: what is not linked is not shown."""
        self.send_error(HTTPStatus.NOT_FOUND, "There is no such page.")

    def end_headers(self) -> None:
        """Send the headers that every answer has."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the class above calls it that)
        """Keep the terminal free of every page read."""
