"""Answers of the REST API in place of flat files: which are requested, and how they are stored as raw files."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pipeline.lake.raw.raw_files import RawFiles, Receipt, key_of
from pipeline.progress import Progress
from pipeline.sources.massive.grouped_daily import GROUPED_DAILY, GroupedDay, pack, parse_answer, parse_packed
from pipeline.sources.massive.rest_days import RestDays

SETTLED = timedelta(days=7)
"""Age after which the vendor no longer corrects a session; an answer fetched later is not requested again."""


def stored_answers(
    rest_days: RestDays, sessions: Sequence[date], raw_files: RawFiles, progress: Progress
) -> list[Receipt]:
    """Return the receipt of each session's answer, fetched first unless a settled one for the same tickers is stored.

    Raises as `RestDays.documents` and `parse_answer` do; the answers before the refused one are stored then.
    """
    due = [session for session in sessions if may_have_changed(raw_files, session, rest_days.tickers)]
    if due:
        progress.begin("vendor answers", len(due))
        for session, body in rest_days.documents(due):
            store_answer(session, body, raw_files)
            progress.advance(1)
    return [raw_files.required(GROUPED_DAILY, session) for session in sessions]


def may_have_changed(raw_files: RawFiles, session: date, tickers: tuple[str, ...] | None) -> bool:
    """Return whether a request for `tickers` (None: all) may give other rows than the stored answer of `session`."""
    receipt = raw_files.current(GROUPED_DAILY, session)
    if receipt is None or not is_settled(receipt.last_modified, session, datetime.now(UTC)):
        return True
    return stored_answer(raw_files, receipt).tickers != tickers


def is_settled(fetched_at: datetime, session: date, now: datetime) -> bool:
    """Return whether an answer fetched then includes the vendor's corrections; False if it is dated in the future."""
    return fetched_at <= now and fetched_at.date() - session >= SETTLED


def store_answer(session: date, body: bytes, raw_files: RawFiles) -> Receipt:
    """Return the receipt of the answer in force: `body`, or the stored one if it has the same rows in other bytes.

    Every answer has its own id. Raises as `parse_answer` does; then nothing is stored.
    """
    key = key_of(GROUPED_DAILY, session)
    answer = parse_answer(body, session, key)
    stored = raw_files.current(GROUPED_DAILY, session)
    if stored is not None and stored_answer(raw_files, stored).has_same_rows(answer):
        return stored
    packed = pack(body)
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    receipt = Receipt(session, key, etag, len(packed), datetime.now(UTC), hashlib.sha256(packed).hexdigest())
    with raw_files.landing() as folder:
        path = folder / "answer.json.gz"
        path.write_bytes(packed)
        return raw_files.store(receipt, path)


def stored_answer(raw_files: RawFiles, receipt: Receipt) -> GroupedDay:
    """Return the rows of a stored answer. Raises as `RawFiles.read` does."""
    return parse_packed(raw_files.read(receipt), receipt.session, receipt.key)
