"""The REST client: stays within the plan's limit of calls, waits when the server says so, never silently loses a page.

Retries are counted here and not by urllib3's Retry inside an adapter: its retries would bypass the limit of calls, and
would not cover the body. Retry only parses the Retry-After headers.
"""

import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from pydantic import SecretStr
from requests import PreparedRequest, RequestException, Response, Timeout
from requests.auth import AuthBase
from requests.exceptions import ConnectTimeout, ReadTimeout
from urllib3.exceptions import HTTPError

from pipeline.contracts.foreign_json import NotJson, RepeatedName, from_json
from pipeline.errors import CandlelakeError, SettingsError
from pipeline.sources.massive import rest_refusals
from pipeline.sources.massive.rest_calls import limited_session, unusable_file
from pipeline.sources.transfer.patience import Patience

CHUNK = 1 << 16
"""Bytes read at a time."""

LARGEST_BODY = 1 << 26
"""Largest answer accepted, unpacked bytes; the vendor's largest page has about 15,000,000."""

LARGEST_ANSWER = 1 << 30
"""Most bytes of all pages of one request; all dividends ever paid take about 300,000,000."""

MOST_PAGES = 2_000
"""Most pages of one request; all dividends ever paid take about 140."""

Answer = dict[str, Any]
Query = list[tuple[str, str]]
Param = str | int | bool | date | None


class Rest:
    """The vendor's REST API at one address.

    The key is sent as an `Authorization: Bearer` header to this address only: links to further pages are requested
    here too, whatever host they name, and redirects are not followed. The key appears in no message and no text.
    Usable as a context manager; `close` it after use.
    """

    def __init__(
        self,
        base: str,
        key: SecretStr,
        *,
        calls_per_minute: int = 5,
        calls_file: Path | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Take the `base` address and the key; nothing is requested yet.

        The limit is shared by all processes with the same `calls_file`; without one, it is for this session.
        Raises SettingsError when the address, the key, the limit or the file cannot be used.
        """
        self.base = _address(base)
        self._key = _key(key)
        self._calls_file = calls_file
        self._patience = patience or Patience()
        self._session = limited_session(calls_per_minute, calls_file, self._patience.seconds)
        self._session.auth = _Bearer(self._key)

    def __repr__(self) -> str:
        return f"Rest({self.base})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and the file that counts the calls."""
        self._session.close()
        self._session.limiter.close()

    def get(self, path: str, **params: Param) -> Answer:
        """Return the one JSON object at `path`, whose `status` is OK or DELAYED; `results` may be missing.

        Resets, timeouts, 5xx and 429 are retried within the bounds of `patience`, 429 and 5xx not before their
        Retry-After. Raises AccessDenied (401, 403) and NotPublished (404) at once, AnswerRefused when the
        answer is not such an object, TransferFailed when the bounds are used up, SettingsError when the server does
        not accept the request at all.
        """
        return self._answer(path, _query(params))

    def document(self, path: str, **params: Param) -> bytes:
        """Return the bytes of the object that `get` returns, to be stored unchanged. Raises as `get` does."""
        body = self._fetched(path, _query(params))
        self._object(body, self._place(path))
        return body

    def pages(self, path: str, **params: Param) -> Iterator[list[Answer]]:
        """Yield the `results` of `path`, page by page, until a page has no `next_url`.

        Raises as `get` does; AnswerRefused as well when a page has no list of objects as `results`, or links to
        an earlier page: lost rows never look like the end.
        """
        for answer in self._answers(path, _query(params)):
            yield _results(answer, self._place(path))

    def aggregate_pages(self, path: str, **params: Param) -> Iterator[list[Answer]]:
        """Yield the same as `pages`, for aggregates: an answer without `results` that counts no row is an empty page.

        The vendor omits `results` when a range is empty, and sets `resultsCount` to 0. Raises as `pages` does.
        """
        for answer in self._answers(path, _query(params)):
            empty = "results" not in answer and answer.get("resultsCount") == 0
            yield [] if empty else _results(answer, self._place(path))

    def _answers(self, path: str, query: Query) -> Iterator[Answer]:
        requested: set[tuple[str, frozenset[tuple[str, str]]]] = set()
        size = 0
        while len(requested) < MOST_PAGES:
            # Not the cursor alone: for aggregates it stays the same while the path changes.
            requested.add((path, frozenset(query)))
            body = self._fetched(path, query)
            size += len(body)
            if size > LARGEST_ANSWER:
                fault = f"{len(requested):,} pages have more than {LARGEST_ANSWER:,} bytes together"
                raise rest_refusals.unexpected_answer(self._place(path), fault)
            answer = self._object(body, self._place(path))
            link = answer.get("next_url")
            if link is not None:
                path, query = self._next_page(link, path)
                if (path, frozenset(query)) in requested:
                    raise rest_refusals.unexpected_answer(self._place(path), "a page links to an earlier one")
            yield answer
            if link is None:
                return
        raise rest_refusals.unexpected_answer(self._place(path), f"there are more than {MOST_PAGES:,} pages")

    def _next_page(self, link: object, path: str) -> tuple[str, Query]:
        """Return path and query of the page at `link`, to be requested at this address."""
        base = urlsplit(self.base)
        try:
            parts = urlsplit(urljoin(f"{self.base}/", str(link)))
        except ValueError:
            parts = None
        if not isinstance(link, str) or not link.strip() or parts is None:
            raise rest_refusals.unexpected_answer(self._place(path), "a page's next_url is not an address")
        further = parts.path.removeprefix(f"{base.path}/") if parts.netloc == base.netloc else parts.path
        query = parse_qsl(parts.query, keep_blank_values=True)
        return f"/{further.lstrip('/')}", [(name, value) for name, value in query if name.lower() != "apikey"]

    def _answer(self, path: str, query: Query) -> Answer:
        return self._object(self._fetched(path, query), self._place(path))

    def _fetched(self, path: str, query: Query) -> bytes:
        deadline = self._patience.deadline()
        return self._patience.insist(lambda: self._body(path, query, deadline), deadline, self._place(path))

    def _object(self, body: bytes, place: str) -> Answer:
        ambiguous = ""
        try:
            answer = from_json(body)
        except NotJson as invalid:
            answer = None
            if isinstance(invalid, RepeatedName):
                ambiguous = self._without_key(str(invalid))
        if ambiguous:
            raise rest_refusals.unexpected_answer(place, f"the answer is ambiguous: {ambiguous}")
        if answer is None:
            raise rest_refusals.not_json(place)
        if not isinstance(answer, dict):
            raise rest_refusals.unexpected_answer(
                place, f"the answer is not a JSON object but a {type(answer).__name__}"
            )
        if answer.get("status") not in rest_refusals.GOOD:
            raise rest_refusals.bad_status(
                answer.get("status"), self._without_key(rest_refusals.message_in(answer)), place
            )
        return answer

    def _body(self, path: str, query: Query, deadline: float) -> bytes:
        """Return the bytes of one answer with status 200. One attempt, within the limit of calls."""
        try:
            with self._send(path, query) as response:
                body = self._read(response, deadline, path)
        except (RequestException, HTTPError, OSError, sqlite3.Error) as failed:
            error = self._error_of(failed, path)
        else:
            if response.status_code == 200:
                return body
            words = self._without_key(rest_refusals.message_of(body))
            retry_after = response.headers.get("Retry-After")
            error = rest_refusals.refusal(response.status_code, words, retry_after, self._place(path))
        # Raised out here, so that the error's context does not contain the request with its key.
        raise error

    def _send(self, path: str, query: Query) -> Response:
        return self._session.get(
            f"{self.base}/{path.lstrip('/')}?{urlencode(query)}",
            headers={"Accept": "application/json"},
            timeout=(self._patience.connect_timeout, self._patience.read_timeout),
            allow_redirects=False,
            stream=True,
        )

    def _read(self, response: Response, deadline: float, path: str) -> bytes:
        body = bytearray()
        # Take what has arrived so far, so that a trickle is noticed.
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            body += chunk
            if len(body) > LARGEST_BODY:
                raise rest_refusals.unexpected_answer(
                    self._place(path), f"the answer has more than {LARGEST_BODY:,} bytes"
                )
            if self._patience.clock() > deadline:
                raise rest_refusals.too_slow(self._place(path))
        return bytes(body)

    def _error_of(self, failed: Exception, path: str) -> CandlelakeError:
        if isinstance(failed, sqlite3.Error) and self._calls_file is not None:
            return unusable_file(self._calls_file, failed)
        if isinstance(failed, Timeout) and not isinstance(failed, ConnectTimeout | ReadTimeout):
            return rest_refusals.crowded(self._place(path))
        return rest_refusals.unreachable(self._place(path), type(failed).__name__)

    def _place(self, path: str) -> str:
        return f"/{path.lstrip('/')} at {self.base}"

    def _without_key(self, words: str) -> str:
        return words.replace(self._key.get_secret_value(), "…")


class _Bearer(AuthBase):
    """Puts the key into each request; a `.netrc` would otherwise replace it."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        return request


def _address(base: str) -> str:
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise SettingsError(
            "CANDLELAKE_REST_URL is not the address of a server.",
            remedy="Set it to an address such as https://api.massive.com, with no key in it.",
        )
    return base.rstrip("/")


def _key(key: SecretStr) -> SecretStr:
    value = key.get_secret_value()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise SettingsError("CANDLELAKE_REST_KEY is empty or has characters that no key has.", remedy="Copy it again.")
    return key


def segment(name: str) -> str:
    """Return `name` as one segment of a path, whatever its characters. Raises SettingsError for `.` and `..`."""
    if not name.strip("."):
        raise SettingsError(f"The REST API cannot be queried for the name {name!r}.", remedy="Leave it out.")
    return quote(name, safe="")


def _query(params: dict[str, Param]) -> Query:
    return [(name, _text(value)) for name, value in params.items() if value is not None]


def _text(value: Param) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _results(answer: Answer, place: str) -> list[Answer]:
    results = answer.get("results")
    if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
        fault = "no results" if "results" not in answer else "results that are not a list of objects"
        raise rest_refusals.unexpected_answer(place, f"a page has {fault}")
    return results
