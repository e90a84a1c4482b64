"""The morning edition of a session, the vendor's grouped daily answer: from its JSON to bars, rejected rows and counts.

The answer is stored unchanged. Its rows name columns by letters: T is the ticker, t a moment of the session in
milliseconds (the end of its window, 16:00 New York), n the number of trades. A row without n has no trade count: it
becomes a bar with 0 transactions. Numbers are parsed from the vendor's own text.
"""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import polars as pl

from pipeline.contracts.delivered import NUMBERS, TYPES, FileFormat
from pipeline.contracts.foreign_json import NotJson, from_json
from pipeline.errors import AnswerRefused, NotPublished
from pipeline.sources.massive.cells import as_count, as_float, as_time
from pipeline.sources.massive.cleaned_day import CleanedDay, cleaned_day
from pipeline.sources.massive.rest_refusals import GOOD
from pipeline.sources.transfer.gzip_file import decompress, page_hint
from pipeline.venues.us_stocks import US_STOCKS

GROUPED_DAILY = "rest/grouped_daily"
"""The folder of the answers among the raw files, as a dataset beside the vendor's own."""

ANSWERS = FileFormat(
    names=MappingProxyType(
        {
            "ticker": "T",
            "volume": "v",
            "open": "o",
            "close": "c",
            "high": "h",
            "low": "l",
            "window_start": "t",
            "transactions": "n",
        }
    )
)
"""How the vendor's answers name the columns of a delivered bar."""

LETTERS = {name: ANSWERS.names[name] for name in TYPES if name in ANSWERS.names}
"""The letter of each column that is read. An optional column without a letter is 0."""

KNOWN = {*LETTERS.values(), "vw", "otc"}
"""Letters that the vendor documents; `vw` and `otc` are not read."""

REMEDY = "Run the session again later; if the answer is the same, ask the vendor. The lake is unchanged."

LIMIT = 1 << 27
"""Largest answer accepted, bytes; one of the whole market has about 1,500,000."""

_A_MILLISECOND = 1_000_000
_LAST_MILLISECOND = (2**63 - 1) // _A_MILLISECOND


@dataclass(frozen=True)
class GroupedDay:
    """The rows of one answer, as numbers and as text."""

    rows: pl.DataFrame
    """`row_number` (from 1), `malformed` (never), then the columns of LETTERS. An unreadable number is null."""
    extra_columns: tuple[str, ...]
    """Undocumented letters; they are not read."""
    tickers: tuple[str, ...] | None
    """The requested tickers; None for the whole market."""
    text: pl.DataFrame
    """The columns of LETTERS as the vendor wrote them; null where a row lacks one."""

    def as_delivered(self, row_numbers: Sequence[int]) -> pl.DataFrame:
        """Return the columns of LETTERS as the vendor's text, for the requested rows, in that order."""
        return self.text[[number - 1 for number in row_numbers]]

    def has_same_rows(self, other: "GroupedDay") -> bool:
        """Return whether both have the same rows for the same tickers; the vendor guarantees no order."""
        columns = list(LETTERS)
        same_rows = self.text.sort(columns).equals(other.text.sort(columns))
        return self.tickers == other.tickers and same_rows


def clean_grouped_daily(data: bytes, session: date, key: str, etag: str, max_bad_share: float = 0.2) -> CleanedDay:
    """Return the bars, the rejected rows and the counts of one stored answer (`data` is its .json.gz).

    `key` and `etag` identify the delivery in the quarantine and in messages. Raises as `parse_answer` does, and
    FileRefused when the answer cannot be unpacked, or more than `max_bad_share` (0 … 1) of its rows are rejected.
    """
    return cleaned_day(parse_packed(data, session, key), US_STOCKS, session, key, etag, max_bad_share)


def pack(body: bytes) -> bytes:
    """Return the answer `body` as it is stored; the same answer gives the same bytes."""
    return gzip.compress(body, mtime=0)


def parse_packed(data: bytes, session: date, name: str) -> GroupedDay:
    """Return the rows of a stored answer. Raises as `parse_answer` does, FileRefused when it cannot be unpacked."""
    return parse_answer(decompress(data, name, LIMIT), session, name)


def parse_answer(body: bytes, session: date, name: str) -> GroupedDay:
    """Return all rows of the answer for `session`.

    Raises NotPublished when the answer has no row; AnswerRefused, with `name` in the message, when it is not such an
    answer, has lost rows (`resultsCount`), is adjusted for splits, or is for another day.
    """
    answer = _object(body, name)
    results = answer.get("results")
    count = answer.get("resultsCount")
    if not results and count == "0":
        raise NotPublished(
            f"{name}: the vendor has no bar of {session} (yet).",
            remedy="Its bars come within minutes of midnight New York, a flat file by about 11:00; run it again then.",
        )
    if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
        raise AnswerRefused(f"{name}: the answer has no list of rows as `results`.", remedy=REMEDY)
    if count != str(len(results)):
        raise AnswerRefused(
            f"{name}: the answer has {len(results):,} rows, but its resultsCount is {count}.", remedy=REMEDY
        )
    if answer.get("adjusted") is True:
        raise AnswerRefused(f"{name}: the prices are adjusted for splits, not as traded.", remedy=REMEDY)
    day = day_of(results, answer.get("tickers"))
    _require_session(day, session, name)
    return day


def day_of(results: Sequence[dict[str, Any]], tickers: Sequence[str] | None = None) -> GroupedDay:
    """Return the rows `results` of one day, each an object with text values (or null)."""
    text = pl.DataFrame(
        {name: [_text(row.get(letter)) for row in results] for name, letter in LETTERS.items()},
        schema=dict.fromkeys(LETTERS, pl.String),
    ).with_columns(pl.lit(None, pl.String).alias(name) for name in TYPES if name not in LETTERS)
    milliseconds = as_time("window_start").clip(-_LAST_MILLISECOND, _LAST_MILLISECOND)
    rows = text.select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("row_number"),
        pl.lit(value=False).alias("malformed"),
        "ticker",
        *(as_float(name) for name in NUMBERS if name in LETTERS),
        *(pl.lit(0, dtype).alias(name) for name, dtype in TYPES.items() if name not in LETTERS),
        milliseconds * _A_MILLISECOND,
        pl.when(pl.col("transactions").is_null()).then(0).otherwise(as_count("transactions")).alias("transactions"),
    )
    extra = set().union(*results) - KNOWN
    return GroupedDay(rows, tuple(sorted(extra)), tuple(tickers) if tickers is not None else None, text)


def _object(body: bytes, name: str) -> dict[str, Any]:
    """Return the answer with every number as its original text."""
    try:
        answer = from_json(body, number=str)
    except NotJson as invalid:
        raise AnswerRefused(
            f"{name} is not a JSON object{page_hint(body) or f' ({invalid})'}.", remedy=REMEDY
        ) from None
    if not isinstance(answer, dict):
        raise AnswerRefused(f"{name} is not a JSON object.", remedy=REMEDY)
    if answer.get("status") not in GOOD:
        message = answer.get("error") or answer.get("message") or "no reason given"
        raise AnswerRefused(f"{name}: the answer's status is {answer.get('status')} ({message}).", remedy=REMEDY)
    return answer


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _require_session(day: GroupedDay, session: date, name: str) -> None:
    """Refuse the answer when most of its rows are for another day; a stray row goes to the quarantine."""
    moments = pl.from_epoch("window_start", time_unit="ns").dt.replace_time_zone("UTC")
    days = day.rows.select(moments.dt.convert_time_zone(US_STOCKS.zone.key).dt.date())["window_start"].drop_nulls()
    most = days.mode().sort().to_list()
    if most and session not in most:
        raise AnswerRefused(f"{name}: the answer is of {most[0]}, not of {session}.", remedy=REMEDY)
