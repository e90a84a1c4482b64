"""The answers of the REST API that stand in for flat files: which are asked for, and how they join the raw files."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pipeline.lake.raw.raw_files import RawFiles, Receipt, key_of
from pipeline.progress import Progress
from pipeline.sources.massive.grouped_daily import GROUPED_DAILY, GroupedDay, pack, parse_answer, parse_packed
from pipeline.sources.massive.rest_days import RestDays

SETTLED = timedelta(days=7)
"""Age at which the vendor has corrected a session; an answer fetched later is not asked for again."""


def answers_taken_in(
    rest_days: RestDays, sessions: Sequence[date], raw_files: RawFiles, progress: Progress
) -> list[Receipt]:
    """Return the receipt of each session's answer, fetched first unless a settled one to the same question is here.

    Raises as `RestDays.documents` and `parse_answer` do; the answers before the one refused are here then, whole.
    """
    due = [session for session in sessions if may_say_more(raw_files, session, rest_days.tickers)]
    if due:
        progress.begin("vendor answers", len(due))
        for session, body in rest_days.documents(due):
            taken_in(session, body, raw_files)
            progress.advance(1)
    return [raw_files.required(GROUPED_DAILY, session) for session in sessions]


def may_say_more(raw_files: RawFiles, session: date, tickers: tuple[str, ...] | None) -> bool:
    """Return whether asking for `tickers` (None: all) may bring what the answer held of `session` does not say."""
    receipt = raw_files.current(GROUPED_DAILY, session)
    if receipt is None or not is_settled(receipt.last_modified, session, datetime.now(UTC)):
        return True
    return held_answer(raw_files, receipt).tickers != tickers


def is_settled(fetched_at: datetime, session: date, now: datetime) -> bool:
    """Return whether an answer fetched then is one that the vendor has corrected; not one from a day yet to come."""
    return fetched_at <= now and fetched_at.date() - session >= SETTLED


def taken_in(session: date, body: bytes, raw_files: RawFiles) -> Receipt:
    """Return the receipt of the answer in force: `body`, or the one held if it says the same in other bytes.

    Every answer carries an id of its own. Raises as `parse_answer` does; then nothing is stored.
    """
    key = key_of(GROUPED_DAILY, session)
    answer = parse_answer(body, session, key)
    held = raw_files.current(GROUPED_DAILY, session)
    if held is not None and held_answer(raw_files, held).has_same_rows(answer):
        return held
    packed = pack(body)
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    receipt = Receipt(session, key, etag, len(packed), datetime.now(UTC), hashlib.sha256(packed).hexdigest())
    with raw_files.landing() as folder:
        path = folder / "answer.json.gz"
        path.write_bytes(packed)
        return raw_files.store(receipt, path)


def held_answer(raw_files: RawFiles, receipt: Receipt) -> GroupedDay:
    """Return the rows of an answer that is here. Raises as `RawFiles.read` does."""
    return parse_packed(raw_files.read(receipt), receipt.session, receipt.key)
