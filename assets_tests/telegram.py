"""Telegram played on loopback: the two calls of its Bot API that we need, as strict as https://core.telegram.org/bots/api.

Apprise's address for Telegram has no host, which is a constant of its plugin: tests point that at the server here, and
all the rest is apprise itself, over real sockets.
"""

import json
import re
from html.parser import HTMLParser

import pytest
from apprise.plugins.telegram import NotifyTelegram
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler

TOKEN = "123456789:AAFplantedFplantedFplantedFplantedF"
CHAT = 987654321

SUPPORTED = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "a", "blockquote"}

MOST_CHARACTERS, MOST_OF_A_CAPTION = 4096, 1024


class Markup(HTMLParser):
    """Reads a message as Telegram does: tags that it supports, each closed in turn."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.fault: str | None = None
        self.feed(message)
        self.close()
        if self.open:
            self.fault = f"can't find end tag corresponding to start tag {self.open[-1]}"

    def handle_starttag(self, tag, attributes):
        if tag not in SUPPORTED or attributes:
            self.fault = f'unsupported start tag "{tag}"'
        self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.fault = f'unexpected end tag "{tag}"'

    def handle_data(self, data):
        self.text += data


class Telegram:
    """A server with one bot that may write to one chat. `faults` are answers to come before it behaves."""

    def __init__(self, server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = server
        self.messages: list[str] = []
        """Texts as the reader sees them."""
        self.documents: dict[str, bytes] = {}
        """Name to content."""
        self.faults: list[Response] = []
        self.largest_document = 50_000_000
        self.calls = 0
        # The server's own log has every address in it; it is not our log.
        monkeypatch.setattr(WSGIRequestHandler, "log", lambda *_: None)
        server.expect_request(re.compile("/bot.*")).respond_with_handler(self._answer)
        monkeypatch.setattr(NotifyTelegram, "notify_url", server.url_for("/bot"))

    def address(self, chat: int = CHAT, token: str = TOKEN, **options: object) -> str:
        """Return the address of the chat; by default one try and no waiting."""
        query = {"retry": 0, "wait": 0, "rto": 5} | options
        return f"tgram://{token}/{chat}/?" + "&".join(f"{name}={value}" for name, value in query.items())

    def will_answer(self, status: int, **fields: object) -> None:
        """Answer the next call with an error."""
        self.faults.append(self._refusal(status, **fields))

    def _answer(self, request: Request) -> Response:
        self.calls += 1
        if self.faults:
            return self.faults.pop(0)
        method = request.path.rpartition("/")[2].lower()
        fields = request.get_json() if method == "sendmessage" else request.form.to_dict()
        if not request.path.startswith(f"/bot{TOKEN}/"):
            return self._refusal(401, description="Unauthorized")
        if int(fields["chat_id"]) != CHAT:
            return self._refusal(400, description="Bad Request: chat not found")
        return self._take(request, method, fields)

    def _take(self, request: Request, method: str, fields: dict[str, str]) -> Response:
        assert fields["parse_mode"] == "HTML"
        markup = Markup(fields["text"] if method == "sendmessage" else fields["caption"])
        if markup.fault:
            return self._refusal(400, description=f"Bad Request: can't parse entities: {markup.fault}")
        if len(markup.text) > (MOST_CHARACTERS if method == "sendmessage" else MOST_OF_A_CAPTION):
            return self._refusal(400, description="Bad Request: message is too long")
        if method == "sendmessage":
            self.messages.append(markup.text.replace("\r\n", "\n"))
        else:
            assert method == "senddocument"
            sent = request.files["document"]
            content = sent.read()
            if len(content) > self.largest_document:
                return self._refusal(413, description="Request Entity Too Large")
            self.documents[str(sent.filename)] = content
        return Response(json.dumps({"ok": True, "result": {"message_id": self.calls}}), mimetype="application/json")

    def _refusal(self, status: int, **fields: object) -> Response:
        body = {"ok": False, "error_code": status, **fields}
        return Response(json.dumps(body), status=status, mimetype="application/json")
