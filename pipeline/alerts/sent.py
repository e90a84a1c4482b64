"""The ledger of alerts: what each channel has had of a session, and what is due to it still.

An entry is written right after the channel took its message, one commit each. A crash between the two repeats that one
message with the next run: at least once, since a sell signal that nobody sees costs more than one that comes twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from pipeline.alerts.message import Day, Told, told
from pipeline.contracts.alerts import ALERTS, CORRECTION, LIST, MESSAGE, PAGE
from pipeline.lake.tables import Lake


@dataclass(frozen=True)
class Entry:
    """A part of an alert that a channel took."""

    session: date
    channel: str
    """Fingerprint."""
    service: str
    kind: str
    part: str
    top: int
    told: Told
    sent_at: datetime
    run_id: str


@dataclass(frozen=True)
class Due:
    """What a channel lacks of a session."""

    kind: str
    needs_message: bool
    needs_page: bool
    first: Entry | None
    """The first message that it had; None before it."""


def sent(lake: Lake, session: date) -> tuple[Entry, ...]:
    """Return what was sent of `session`, in no order; nothing before the first alert ever."""
    rows = lake.read(ALERTS, session, session).rows.collect()
    return tuple(map(_entry, rows.iter_rows(named=True)))


def enter(lake: Lake, entry: Entry) -> None:
    """Add an entry to the ledger, or replace the one of the same session, channel, kind and part.

    Raises WriteConflict when another run writes the session's entries at the same moment.
    """
    others = [one for one in sent(lake, entry.session) if _key(one) != _key(entry)]
    rows = pl.DataFrame([_row(one) for one in (*others, entry)], schema=ALERTS.columns)
    lake.replace(ALERTS, [entry.session], [rows], run_id=entry.run_id)


def due(entries: Sequence[Entry], channel: str, day: Day) -> Due:
    """Return what the channel with this fingerprint lacks of `day`, given what was sent of its session.

    A channel gets one list a session, and one correction when candidates entered or left what the list told, or new
    sell signals did; another order or score is no change. What changes after the correction is not told any more.
    """
    own = {(one.kind, one.part): one for one in entries if one.channel == channel}
    first = own.get((LIST, MESSAGE))
    if first is None:
        kind = LIST
    elif (CORRECTION, MESSAGE) in own or told(day, first.top) != first.told:
        kind = CORRECTION
    else:
        kind = LIST
    return Due(kind, needs_message=(kind, MESSAGE) not in own, needs_page=(kind, PAGE) not in own, first=first)


def _key(entry: Entry) -> tuple[date, str, str, str]:
    return entry.session, entry.channel, entry.kind, entry.part


def _entry(row: dict[str, Any]) -> Entry:
    listed = frozenset((one["model"], one["ticker"]) for one in row.pop("listed"))
    selling = frozenset((one["ticker"], one["rule"]) for one in row.pop("selling"))
    return Entry(**row, told=Told(listed, selling))


def _row(entry: Entry) -> dict[str, Any]:
    row = {name: getattr(entry, name) for name in ALERTS.columns if hasattr(entry, name)}
    return row | {
        "listed": [{"model": model, "ticker": ticker} for model, ticker in sorted(entry.told.listed)],
        "selling": [{"ticker": ticker, "rule": rule} for ticker, rule in sorted(entry.told.selling)],
    }
