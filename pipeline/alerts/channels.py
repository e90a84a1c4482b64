"""The channels that alerts go to, each by an address of apprise; what they answer is told without their secrets."""

import hashlib
import logging
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apprise import Apprise, AppriseAsset, AppriseAttachment, NotifyBase, NotifyFormat
from apprise.attachment.file import AttachFile
from pydantic import SecretStr

from pipeline.alerts.wording import HTML, LONGEST, MARKDOWN, TEXT, Format, Message, length, written

FORMATS: dict[NotifyFormat, Format] = {
    NotifyFormat.HTML: HTML,
    NotifyFormat.MARKDOWN: MARKDOWN,
    NotifyFormat.TEXT: TEXT,
}

AROUND_A_TITLE = 24
"""Characters of markup that apprise puts around a title, in the body of a service that has no titles."""

PATIENCE = 20.0
"""Seconds that a service may take to answer, unless its address says otherwise (`?rto=`)."""

ASSET: dict[str, Any] = {
    "default_service_retry": 1,
    "default_service_wait": 3.0,
    "service_timeout": 120.0,
    "storage_mode": "memory",
}
"""One more try after three seconds, unless the address says otherwise (`?retry=`); nothing is kept on disk."""

TALKATIVE = ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib")
"""Libraries whose log tells the addresses they write to, in which the token of a bot is a part."""

ANSWERS = {
    400: "it refused the message as wrong, or does not know the chat or recipient",
    401: "it does not accept the token or password",
    403: "it does not let us write there: the bot may be blocked, or nobody has written to it yet",
    404: "it does not know the token or the recipient",
    413: "the document is too large for it",
    429: "it had too many messages; later ones may pass",
}
"""What an HTTP status means to whoever set the channel up. The service's own words may repeat the secret."""

NOT_UNDERSTOOD = "apprise does not understand its address: see docs/alerts.md for how to write one"

_status = re.compile(r"error=(\d{3})\b")

_heard: ContextVar[list[int] | None] = ContextVar("heard", default=None)
"""While something is sent, the statuses that the service answered with; None at all other times."""


@dataclass(frozen=True)
class Channel:
    """One place to send to."""

    name: str
    """Of the service, numbered when there are several of it; never a part of the address."""
    fingerprint: str
    """The same for the same address, which cannot be read from it."""
    _plugin: NotifyBase | None = field(repr=False)
    """None when apprise does not understand the address."""

    @property
    def takes_documents(self) -> bool:
        """Return whether a file can be sent there."""
        return self._plugin is not None and bool(self._plugin.attachment_support)

    def send(self, message: Message) -> str | None:
        """Send a message in the service's own format; return why it was not taken, None when it was."""
        if self._plugin is None:
            return NOT_UNDERSTOOD
        chosen = self._plugin.resolve_format()
        blended = 0 if self._plugin.title_maxlen > 0 else length(message.title) + AROUND_A_TITLE
        body = written(message, FORMATS[chosen], min(self._plugin.body_maxlen, LONGEST) - blended)
        return _sent(self._plugin, title=message.title, body=body, body_format=chosen)

    def send_document(self, path: Path, name: str, caption: str) -> str | None:
        """Send the HTML file at `path` under another name; return why it was not taken, None when it was."""
        if self._plugin is None:
            return NOT_UNDERSTOOD
        document = AppriseAttachment()
        # Given as a path in a text, apprise would read a `?` or `%` in it as a part of an address.
        document.add(AttachFile(str(path), name=name, mimetype="text/html"))
        return _sent(self._plugin, body=caption, body_format=NotifyFormat.TEXT, attach=document)


def channels_of(addresses: Sequence[SecretStr]) -> tuple[Channel, ...]:
    """Return the channels at `addresses`, in order, each address once.

    One that apprise does not understand is a channel too, so that its fault is told like any other.
    """
    known = dict.fromkeys(address.get_secret_value() for address in addresses)
    plugins = [_plugin(address) for address in known]
    services = ["unknown" if plugin is None else str(plugin.service_name) for plugin in plugins]
    return tuple(
        Channel(name, _fingerprint(address), plugin)
        for name, address, plugin in zip(_numbered(services), known, plugins, strict=True)
    )


def _sent(plugin: NotifyBase, **what: Any) -> str | None:
    sender = Apprise(plugin, asset=plugin.asset)
    with _unheard() as statuses:
        try:
            is_taken = bool(sender.notify(**what))
        except Exception as fault:  # (a service's fault must reach neither the data nor, with its words, the log)
            return f"apprise failed with {type(fault).__name__}"
    return None if is_taken else _reason(statuses)


def _plugin(address: str) -> NotifyBase | None:
    with _unheard(), warnings.catch_warnings():
        # One of apprise's services imports a module that newer versions of Python will not have.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            plugin = Apprise.instantiate(address, asset=AppriseAsset(**ASSET))
        except Exception:  # (what it says may repeat the address; that it is not understood is told instead)
            return None
    if plugin is not None and plugin.socket_read_timeout == NotifyBase.socket_read_timeout:
        plugin.socket_read_timeout = PATIENCE
    return plugin


def _fingerprint(address: str) -> str:
    # Slow to compute, since the password of a mail account could be guessed from a fast one.
    digest = hashlib.scrypt(address.encode(), salt=b"candlelake alerts", n=2**14, r=8, p=1, dklen=8)
    return digest.hex()


def _numbered(services: Sequence[str]) -> Iterator[str]:
    """Yield the names of services, with a number after the name from the second of a kind on."""
    seen: Counter[str] = Counter()
    for service in services:
        seen[service] += 1
        yield service if seen[service] == 1 else f"{service} {seen[service]}"


def _reason(statuses: Sequence[int]) -> str:
    if not statuses:
        return "it could not be reached, did not answer in time, or refused without a reason"
    status = statuses[-1]
    if status >= 500:
        return f"it answered {status}: a fault of its own, which may pass"
    return f"it answered {status}: {ANSWERS[status]}" if status in ANSWERS else f"it answered {status}"


class _Unheard(logging.Filter):
    """Keeps what is logged while something is sent from everybody, and only notes the statuses in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        heard = _heard.get()
        if heard is None:
            return True
        heard += [int(status) for status in _status.findall(record.getMessage())[-1:]]
        return False


_UNHEARD = _Unheard()


@contextmanager
def _unheard() -> Iterator[list[int]]:
    """Keep the libraries' logs from everybody while something is sent; give the statuses that they told."""
    known = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in TALKATIVE]
    for name in known:
        # A filter sees only what its own logger is given, not what those below it are. Twice the same is once.
        logging.getLogger(name).addFilter(_UNHEARD)
    # Statuses come as warnings; what lies below has the whole address in it.
    logging.getLogger("apprise").setLevel(logging.WARNING)
    statuses: list[int] = []
    token = _heard.set(statuses)
    try:
        yield statuses
    finally:
        _heard.reset(token)
