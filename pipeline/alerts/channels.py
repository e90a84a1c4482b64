"""The channels of alerts, each an address of apprise; their failures are reported without their secrets."""

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
"""Characters of markup that apprise puts around a title in the body, for a service without titles."""

PATIENCE = 20.0
"""Seconds to wait for a service's answer, unless its address sets another limit (`?rto=`)."""

ASSET: dict[str, Any] = {
    "default_service_retry": 1,
    "default_service_wait": 3.0,
    "service_timeout": 120.0,
    "storage_mode": "memory",
}
"""One retry after three seconds, unless the address sets another number (`?retry=`); nothing is stored on disk."""

LOGGING_LIBRARIES = ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib")
"""Libraries that log the addresses they write to, which contain the token of a bot."""

ANSWERS = {
    400: "it refused the message as wrong, or does not know the chat or recipient",
    401: "it does not accept the token or password",
    403: "it does not let us write there: the bot may be blocked, or nobody has written to it yet",
    404: "it does not know the token or the recipient",
    413: "the document is too large for it",
    429: "it had too many messages; later ones may pass",
}
"""HTTP statuses in words for the user. The service's own words may repeat the secret."""

NOT_UNDERSTOOD = "apprise does not understand its address: see docs/alerts.md for how to write one"

_status = re.compile(r"error=(\d{3})\b")

_logged_statuses: ContextVar[list[int] | None] = ContextVar("logged_statuses", default=None)
"""While a message is sent, the statuses of the service's answers; None at all other times."""


@dataclass(frozen=True)
class Channel:
    """One place to send to."""

    name: str
    """Name of the service, numbered if there are several of it; never a part of the address."""
    fingerprint: str
    """The same for the same address, which cannot be recovered from it."""
    _plugin: NotifyBase | None = field(repr=False)
    """None when apprise does not understand the address."""

    @property
    def takes_documents(self) -> bool:
        """Return whether a file can be sent there."""
        return self._plugin is not None and bool(self._plugin.attachment_support)

    def send(self, message: Message) -> str | None:
        """Send a message in the service's own format; return why it was refused, None if it was accepted."""
        if self._plugin is None:
            return NOT_UNDERSTOOD
        chosen = self._plugin.resolve_format()
        blended = 0 if self._plugin.title_maxlen > 0 else length(message.title) + AROUND_A_TITLE
        body = written(message, FORMATS[chosen], min(self._plugin.body_maxlen, LONGEST) - blended)
        return _sent(self._plugin, title=message.title, body=body, body_format=chosen)

    def send_document(self, path: Path, name: str, caption: str) -> str | None:
        """Send the HTML file at `path` under another name; return why it was refused, None if it was accepted."""
        if self._plugin is None:
            return NOT_UNDERSTOOD
        document = AppriseAttachment()
        # For a path as text, apprise would parse a `?` or `%` in it as a part of an address.
        document.add(AttachFile(str(path), name=name, mimetype="text/html"))
        return _sent(self._plugin, body=caption, body_format=NotifyFormat.TEXT, attach=document)


def channels_of(addresses: Sequence[SecretStr]) -> tuple[Channel, ...]:
    """Return the channels at `addresses`, in order, each address once.

    An address that apprise does not understand is a channel too, so that its fault is reported like any other.
    """
    distinct = dict.fromkeys(address.get_secret_value() for address in addresses)
    plugins = [_plugin(address) for address in distinct]
    services = ["unknown" if plugin is None else str(plugin.service_name) for plugin in plugins]
    return tuple(
        Channel(name, _fingerprint(address), plugin)
        for name, address, plugin in zip(_numbered(services), distinct, plugins, strict=True)
    )


def _sent(plugin: NotifyBase, **content: Any) -> str | None:
    sender = Apprise(plugin, asset=plugin.asset)
    with _hidden_logs() as statuses:
        try:
            is_accepted = bool(sender.notify(**content))
        except Exception as fault:  # (a service's fault must not stop the run, nor its words reach the log)
            return f"apprise failed with {type(fault).__name__}"
    return None if is_accepted else _reason(statuses)


def _plugin(address: str) -> NotifyBase | None:
    with _hidden_logs(), warnings.catch_warnings():
        # One of apprise's services imports a module that newer versions of Python no longer have.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            plugin = Apprise.instantiate(address, asset=AppriseAsset(**ASSET))
        except Exception:  # (its text may repeat the address; NOT_UNDERSTOOD is reported instead)
            return None
    if plugin is not None and plugin.socket_read_timeout == NotifyBase.socket_read_timeout:
        plugin.socket_read_timeout = PATIENCE
    return plugin


def _fingerprint(address: str) -> str:
    # Slow to compute, because a mail account's password could be guessed from a fast hash.
    digest = hashlib.scrypt(address.encode(), salt=b"candlelake alerts", n=2**14, r=8, p=1, dklen=8)
    return digest.hex()


def _numbered(services: Sequence[str]) -> Iterator[str]:
    """Yield the names of services, numbered from the second of a kind on."""
    counts: Counter[str] = Counter()
    for service in services:
        counts[service] += 1
        yield service if counts[service] == 1 else f"{service} {counts[service]}"


def _reason(statuses: Sequence[int]) -> str:
    if not statuses:
        return "it could not be reached, did not answer in time, or refused without a reason"
    status = statuses[-1]
    if status >= 500:
        return f"it answered {status}: a fault of its own, which may pass"
    return f"it answered {status}: {ANSWERS[status]}" if status in ANSWERS else f"it answered {status}"


class _HiddenLog(logging.Filter):
    """Hides log records while a message is sent, and collects the HTTP statuses in them."""

    def filter(self, record: logging.LogRecord) -> bool:
        logged = _logged_statuses.get()
        if logged is None:
            return True
        logged += [int(status) for status in _status.findall(record.getMessage())[-1:]]
        return False


_HIDDEN_LOG = _HiddenLog()


@contextmanager
def _hidden_logs() -> Iterator[list[int]]:
    """Hide the libraries' logs while a message is sent; yield the HTTP statuses in them."""
    loggers = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in LOGGING_LIBRARIES]
    for name in loggers:
        # A filter sees only its own logger's records, not those of loggers below it. Adding it twice has no effect.
        logging.getLogger(name).addFilter(_HIDDEN_LOG)
    # Statuses come as warnings; records of lower levels contain the whole address.
    logging.getLogger("apprise").setLevel(logging.WARNING)
    statuses: list[int] = []
    token = _logged_statuses.set(statuses)
    try:
        yield statuses
    finally:
        _logged_statuses.reset(token)
