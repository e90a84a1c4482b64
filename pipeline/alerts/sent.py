"""The ledger of alerts: what each channel has received of a session, and what is still due.

An entry is written right after the channel accepted its message, one commit each. After a crash between the two, the
next run repeats that message: at least once, since a sell signal that nobody sees costs more than one that comes twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from pipeline.alerts.message import Content, Day, content_of
from pipeline.contracts.alerts import ALERTS, CORRECTION, LIST, MESSAGE, PAGE
from pipeline.lake.lake import Lake


@dataclass(frozen=True)
class Entry:
    """A part of an alert that a channel accepted."""

    session: date
    channel: str
    """Fingerprint."""
    service: str
    kind: str
    part: str
    top: int
    content: Content
    sent_at: datetime
    run_id: str


@dataclass(frozen=True)
class Due:
    """What a channel lacks of a session."""

    kind: str
    needs_message: bool
    needs_page: bool
    first: Entry | None
    """The first message that it received; None before that."""


def sent(lake: Lake, session: date) -> tuple[Entry, ...]:
    """Return the entries of `session`, in no order; none before the first alert."""
    rows = lake.read(ALERTS, session, session).rows.collect()
    return tuple(map(_entry, rows.iter_rows(named=True)))


def enter(lake: Lake, entry: Entry) -> None:
    """Add an entry to the ledger, or replace the one of the same session, channel, kind and part.

    Raises WriteConflict when another run writes the session's entries at the same moment.
    """
    others = [other for other in sent(lake, entry.session) if _key(other) != _key(entry)]
    rows = pl.DataFrame([_row(each) for each in (*others, entry)], schema=ALERTS.columns)
    lake.replace(ALERTS, [entry.session], [rows], run_id=entry.run_id)


def due(entries: Sequence[Entry], channel: str, day: Day) -> Due:
    """Return what the channel with this fingerprint lacks of `day`, by the `entries` of its session.

    A channel gets one list per session, and one correction if candidates or new sell signals entered or left the list;
    another order or score is not a change. Changes after the correction are not sent any more.
    """
    own = {(entry.kind, entry.part): entry for entry in entries if entry.channel == channel}
    first = own.get((LIST, MESSAGE))
    if first is None:
        kind = LIST
    elif (CORRECTION, MESSAGE) in own or content_of(day, first.top) != first.content:
        kind = CORRECTION
    else:
        kind = LIST
    return Due(kind, needs_message=(kind, MESSAGE) not in own, needs_page=(kind, PAGE) not in own, first=first)


def _key(entry: Entry) -> tuple[date, str, str, str]:
    return entry.session, entry.channel, entry.kind, entry.part


def _entry(row: dict[str, Any]) -> Entry:
    listed = frozenset((candidate["model"], candidate["ticker"]) for candidate in row.pop("listed"))
    selling = frozenset((signal["ticker"], signal["rule"]) for signal in row.pop("selling"))
    return Entry(**row, content=Content(listed, selling))


def _row(entry: Entry) -> dict[str, Any]:
    row = {name: getattr(entry, name) for name in ALERTS.columns if hasattr(entry, name)}
    return row | {
        "listed": [{"model": model, "ticker": ticker} for model, ticker in sorted(entry.content.listed)],
        "selling": [{"ticker": ticker, "rule": rule} for ticker, rule in sorted(entry.content.selling)],
    }
