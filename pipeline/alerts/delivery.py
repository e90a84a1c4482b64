"""Sending a session's alert to every channel that lacks it: each on its own, whatever becomes of the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from pipeline.alerts.channels import Channel
from pipeline.alerts.message import Day, correction, session_message, told
from pipeline.alerts.sent import Due, Entry, due, enter, sent
from pipeline.alerts.wording import Message
from pipeline.contracts.alerts import CORRECTION, MESSAGE, PAGE
from pipeline.lake.tables import Lake

MOST_DAYS_OLD = 4
"""Calendar days after which a session is told no more: the longest weekend, and the morning after it."""


@dataclass(frozen=True)
class Alert:
    """What is to be told of a session."""

    day: Day
    models: Sequence[str]
    top: int
    """So many candidates of each model."""
    page: Path | None
    """The page of the candidates as one HTML file; None when there is none."""
    run_id: str


@dataclass(frozen=True)
class Outcome:
    """What became of an alert at one channel. Nothing in it is a part of an address."""

    channel: str
    sent: tuple[str, ...]
    """What the channel took now, such as "list message"; empty when it had all of it."""
    failure: str | None
    """Why something was not taken."""

    def __str__(self) -> str:
        """Return it in words."""
        words = [*(f"{what} sent" for what in self.sent), *([f"failed: {self.failure}"] if self.failure else [])]
        return "; ".join(words) or "had it already"


def why_not_told(session: date, newest: date | None, today: date) -> str | None:
    """Return why a session is not told any more, None when it is: it is the `newest` held and a few days old at most.

    `today` is the date in New York. A backfill of a thousand sessions tells its last one, if that is new.
    """
    if newest is not None and session < newest:
        return f"not told: the lake holds {newest}, which is newer"
    days = (today - session).days
    return f"not told: {days:,} days old, and only {MOST_DAYS_OLD} are allowed" if days > MOST_DAYS_OLD else None


def deliver(lake: Lake, alert: Alert, channels: Sequence[Channel], clock: Callable[[], datetime]) -> list[Outcome]:
    """Send each channel what it lacks of the alert, enter in the ledger what it took, and return what became of it.

    Raises what writing the ledger raises; no channel raises anything.
    """
    entries = sent(lake, alert.day.session)
    return [_to_channel(lake, alert, one, due(entries, one.fingerprint, alert.day), clock) for one in channels]


def _to_channel(lake: Lake, alert: Alert, channel: Channel, lacking: Due, clock: Callable[[], datetime]) -> Outcome:
    session, took = alert.day.session, list[str]()
    if lacking.needs_message:
        if failure := channel.send(_message(alert, lacking)):
            return Outcome(channel.name, (), failure)
        enter(lake, _entry(alert, channel, lacking, MESSAGE, clock()))
        took.append(f"{lacking.kind} message")
    if lacking.needs_page and alert.page is not None and alert.page.is_file() and channel.takes_documents:
        if failure := channel.send_document(alert.page, f"candidates-{session}.html", f"Candidates of {session}"):
            return Outcome(channel.name, tuple(took), f"the page: {failure}")
        enter(lake, _entry(alert, channel, lacking, PAGE, clock()))
        took.append(f"{lacking.kind} page")
    return Outcome(channel.name, tuple(took), None)


def _message(alert: Alert, lacking: Due) -> Message:
    if lacking.kind == CORRECTION and lacking.first is not None:
        return correction(alert.day, lacking.first.told, alert.models, lacking.first.top)
    return session_message(alert.day, alert.models, alert.top)


def _entry(alert: Alert, channel: Channel, lacking: Due, part: str, now: datetime) -> Entry:
    top = lacking.first.top if lacking.first else alert.top
    return Entry(
        session=alert.day.session,
        channel=channel.fingerprint,
        service=channel.name,
        kind=lacking.kind,
        part=part,
        top=top,
        told=told(alert.day, top),
        sent_at=now,
        run_id=alert.run_id,
    )
