"""Sends a session's alert to every channel that lacks it, each independent of the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from pipeline.alerts.channels import Channel
from pipeline.alerts.message import Day, content_of, correction, session_message
from pipeline.alerts.sent import Due, Entry, due, enter, sent
from pipeline.alerts.wording import Message
from pipeline.contracts.alerts import CORRECTION, MESSAGE, PAGE
from pipeline.lake.lake import Lake

MOST_DAYS_OLD = 4
"""Calendar days after which no alert of a session is sent: the longest weekend, and the morning after it."""


@dataclass(frozen=True)
class Alert:
    """The alert of a session."""

    day: Day
    models: Sequence[str]
    top: int
    """Candidates of each model in the message."""
    page: Path | None
    """The page of the candidates as one HTML file; None when there is none."""
    run_id: str


@dataclass(frozen=True)
class Outcome:
    """The outcome of an alert at one channel. It contains no part of an address."""

    channel: str
    sent: tuple[str, ...]
    """Parts that the channel accepted now, such as "list message"; empty when it had all of them."""
    failure: str | None
    """Why a part was refused."""

    def __str__(self) -> str:
        """Return it in words."""
        words = [*(f"{part} sent" for part in self.sent), *([f"failed: {self.failure}"] if self.failure else [])]
        return "; ".join(words) or "had it already"


def reason_not_sent(session: date, newest: date | None, today: date) -> str | None:
    """Return why the alert of a session is not sent; None if it is the `newest` and a few days old at most.

    `today` is the date in New York. A backfill of a thousand sessions sends the alert of its last one, if that is new.
    """
    if newest is not None and session < newest:
        return f"not sent: the lake has {newest}, which is newer"
    days = (today - session).days
    return f"not sent: {days:,} days old, and only {MOST_DAYS_OLD} are allowed" if days > MOST_DAYS_OLD else None


def deliver(lake: Lake, alert: Alert, channels: Sequence[Channel], clock: Callable[[], datetime]) -> list[Outcome]:
    """Send each channel the parts of the alert that it lacks, record them in the ledger, and return the outcomes.

    Raises the errors of writing the ledger; a channel raises nothing.
    """
    entries = sent(lake, alert.day.session)
    return [
        _to_channel(lake, alert, channel, due(entries, channel.fingerprint, alert.day), clock) for channel in channels
    ]


def _to_channel(lake: Lake, alert: Alert, channel: Channel, missing: Due, clock: Callable[[], datetime]) -> Outcome:
    session, accepted = alert.day.session, list[str]()
    if missing.needs_message:
        if failure := channel.send(_message(alert, missing)):
            return Outcome(channel.name, (), failure)
        enter(lake, _entry(alert, channel, missing, MESSAGE, clock()))
        accepted.append(f"{missing.kind} message")
    if missing.needs_page and alert.page is not None and alert.page.is_file() and channel.takes_documents:
        if failure := channel.send_document(alert.page, f"candidates-{session}.html", f"Candidates of {session}"):
            return Outcome(channel.name, tuple(accepted), f"the page: {failure}")
        enter(lake, _entry(alert, channel, missing, PAGE, clock()))
        accepted.append(f"{missing.kind} page")
    return Outcome(channel.name, tuple(accepted), None)


def _message(alert: Alert, missing: Due) -> Message:
    if missing.kind == CORRECTION and missing.first is not None:
        return correction(alert.day, missing.first.content, alert.models, missing.first.top)
    return session_message(alert.day, alert.models, alert.top)


def _entry(alert: Alert, channel: Channel, missing: Due, part: str, now: datetime) -> Entry:
    top = missing.first.top if missing.first else alert.top
    return Entry(
        session=alert.day.session,
        channel=channel.fingerprint,
        service=channel.name,
        kind=missing.kind,
        part=part,
        top=top,
        content=content_of(alert.day, top),
        sent_at=now,
        run_id=alert.run_id,
    )
