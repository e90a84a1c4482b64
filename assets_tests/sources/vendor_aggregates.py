"""The REST vendor's aggregates as a server on loopback: a session's market in one answer, a ticker's days in pages."""

import re
from datetime import date, time
from itertools import count
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from assets_tests.sources.vendor_rest import KEY, AnyPath, Fault, as_json
from assets_tests.vendor_day import nanoseconds

GROUPED = re.compile(r"/v2/aggs/grouped/locale/us/market/stocks/(\d{4}-\d\d-\d\d)")
RANGE = re.compile(r"/v2/aggs/ticker/(.+)/range/1/day/(\d{4}-\d\d-\d\d)/(\d{4}-\d\d-\d\d)")

Bar = dict[str, Any]


def bar(close: float = 10, **changed: object) -> Bar:
    """Return the letters of one bar, without T and t; a good one by default. None leaves a letter out."""
    letters = {"o": 10, "c": close, "h": 20, "l": 5, "v": 1000, "vw": 10.5, "n": 7} | changed
    return {letter: value for letter, value in letters.items() if value is not None}


def milliseconds(session: date, at: time = time()) -> int:
    """Return a time of day in New York as the REST API stamps it."""
    return nanoseconds(session, at) // 10**6


def grouped(session: date, bars: dict[str, Bar]) -> list[Bar]:
    """Return the rows of a grouped answer: `t` is the end of the session."""
    return [{"T": ticker, "t": milliseconds(session, time(16))} | letters for ticker, letters in bars.items()]


class AggregatesApi:
    """Answers from `days`: of each session, the bars by ticker. `splits` are (ticker, day, from, to)."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.days: dict[date, dict[str, Bar]] = {}
        self.splits: list[tuple[str, date, int, int]] = []
        self.status = "OK"
        self.page = 50_000
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self._ids = count()
        server.expect_request(AnyPath()).respond_with_handler(self.answer)

    @property
    def url(self) -> str:
        return self.server.url_for("").rstrip("/")

    @property
    def settings(self) -> dict[str, object]:
        """Return the settings that lead here."""
        return {"rest_url": self.url, "rest_key": KEY, "rest_calls_per_minute": 10_000}

    def paths(self) -> list[str]:
        """Return the paths of the requests, in order."""
        return [request.path for request in self.requests]

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return as_json({"status": "ERROR", "request_id": "r", "error": "Unknown API Key"}, 401)
        if self.faults:
            return self.faults.pop(0)(request)
        is_adjusted = request.args.get("adjusted", "true") == "true"
        if found := GROUPED.fullmatch(request.path):
            session = date.fromisoformat(found[1])
            assert not is_adjusted
            assert request.args["include_otc"] == "false"
            return self._response(grouped(session, self.days.get(session, {})), {"adjusted": False})
        if found := RANGE.fullmatch(request.path):
            first, last = (date.fromisoformat(day) for day in found.groups()[1:])
            return self._range(found[1], first, last, is_adjusted)
        return as_json({"status": "NOT_FOUND", "request_id": "r", "message": "page not found"}, 404)

    def _range(self, ticker: str, first: date, last: date, is_adjusted: bool) -> Response:
        rows = [
            {"t": milliseconds(session)} | self._on_basis(ticker, session, bars[ticker], is_adjusted)
            for session, bars in sorted(self.days.items())
            if first <= session <= last and ticker in bars
        ]
        head: dict[str, Any] = {"ticker": ticker, "adjusted": is_adjusted}
        if len(rows) > self.page:
            after = sorted(session for session in self.days if first <= session <= last)[self.page]
            adjusted = str(is_adjusted).lower()
            further = f"/v2/aggs/ticker/{ticker}/range/1/day/{after}/{last}?adjusted={adjusted}&cursor=same"
            head["next_url"] = f"https://api.massive.com{further}"
        return self._response(rows[: self.page], head)

    def _on_basis(self, ticker: str, session: date, letters: Bar, is_adjusted: bool) -> Bar:
        adjusted = dict(letters)
        for split, day, old, new in self.splits if is_adjusted else []:
            if split == ticker and session < day:
                adjusted |= {letter: round(adjusted[letter] * old / new, 4) for letter in "ochl"}
                adjusted["v"] = adjusted["v"] * new / old
        return adjusted

    def _response(self, rows: list[Bar], head: dict[str, Any]) -> Response:
        counts = {"queryCount": len(rows), "resultsCount": len(rows), "count": len(rows)}
        whole = head | counts | {"status": self.status, "request_id": f"r{next(self._ids)}"}
        # The vendor leaves `results` away when there is none.
        return as_json(whole | ({"results": rows} if rows else {}))
