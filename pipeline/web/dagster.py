"""Dagster's web server, closed to foreign web pages. `python -m pipeline.web.dagster` takes the same options.

Dagster's own server answers any request, by any host name and from any page, and runs GraphQL queries from an address:
a link on a web page could start runs here. This one checks each request with `visitors` first.
"""

from dagster_webserver import app, cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.web.visitors import is_own_name, is_own_page

JSON = "application/json"
PAGE = "text/html"


class OwnVisitors:
    """Passes on requests from the server's own pages in the user's browser, and from programs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or respond with the reason why not."""
        refusal = _refusal(scope) if scope["type"] in {"http", "websocket"} else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal})
        else:
            await PlainTextResponse(refusal, 403)(scope, receive, send)


class GuardedWebserver(DagsterWebserver):
    """Dagster's web server behind `OwnVisitors`."""

    def build_middleware(self) -> list[Middleware]:
        """Return Dagster's middleware behind ours."""
        return [Middleware(OwnVisitors), *super().build_middleware()]

    def make_security_headers(self) -> dict[str, str]:
        """Return Dagster's headers and one more: no foreign page may embed this one."""
        return super().make_security_headers() | {"X-Frame-Options": "SAMEORIGIN"}


def _refusal(scope: Scope) -> str | None:
    """Return why a request is refused; None when it is not."""
    headers = Headers(scope=scope)
    host, origin = headers.get("host", ""), headers.get("origin")
    if not is_own_name(host):
        return "This server answers to an address, to localhost and to the name of its machine only."
    if origin is not None and not is_own_page(origin, host):
        return "This server answers its own pages only."
    if any(ord(sign) < ord(" ") for sign in scope["path"]):
        return "There is no page of that name."
    if scope["type"] == "http" and scope["path"].rstrip("/").endswith("/graphql") and not _is_plain_graphql(scope):
        return "Send GraphQL by POST, as application/json."
    return None


def _is_plain_graphql(scope: Scope) -> bool:
    """Return whether a GraphQL request is one that no foreign page can send, or opens the page for queries."""
    headers = Headers(scope=scope)
    if scope["method"] == "POST":
        return headers.get("content-type", "").split(";")[0].strip().lower() == JSON
    return scope["method"] == "GET" and PAGE in headers.get("accept", "")


def main() -> None:
    """Serve, as `dagster-webserver` does."""
    # The one place where Dagster makes its server; there is no setting for it.
    app.DagsterWebserver = GuardedWebserver  # type: ignore[misc]
    cli.main()


if __name__ == "__main__":
    main()
