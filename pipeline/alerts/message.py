"""The text of a session's message, from the rows of the session and of the one before it. Pure: no clock, no lake."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipeline.alerts.wording import Line, Message, Section, plain

TICKER, RULE, REASON = 16, 40, 120
"""Most characters of a ticker, of the name of a rule or model, and of a reason."""

MOST_LEFT_OUT = 3
"""Most tickers left out that are named."""

MOST_LISTED = 10
"""Most tickers or days listed on one line; the others are counted."""


@dataclass(frozen=True)
class FailedCheck:
    """An asset check that did not pass."""

    name: str
    asset: str
    stops: bool
    """Whether it failed as an error; else it warned."""


@dataclass(frozen=True, eq=False)
class Day:
    """The data on a session for its message."""

    session: date
    listed: pl.DataFrame
    """Its rows of `stocks/candidates`."""
    before: pl.DataFrame | None
    """Those of the session before; None when that session is not in the lake, so that nothing counts as new."""
    signals: pl.DataFrame
    """Its rows of `portfolio/signals`, most severe first."""
    rows_read: int
    """Rows of the session's file."""
    quarantined: int
    """Rejected rows of the file."""
    missing: Sequence[date] = ()
    """Sessions shortly before it that the lake lacks."""
    held_without_bar: Sequence[str] = ()
    """Tickers of positions that did not trade on it, though they are listed."""
    held_delisted: Sequence[tuple[str, date]] = ()
    """Tickers of positions that are no longer listed, and since when."""
    doubtful_splits: Sequence[tuple[str, date, str]] = ()
    """Ticker, execution date and doubt of splits that are not applied, for the tickers in the message."""
    held_in_doubt: Sequence[tuple[str, str]] = ()
    """Ticker and doubt, in words, of positions whose value may be wrong."""
    left_out: Sequence[str] = ()
    """Tickers that a list left out, since their prices are in doubt, each with the likely reading."""
    are_splits_known: bool = True
    is_provisional: bool = False
    """Whether the bars come from the morning edition, which the vendor's flat file replaces."""
    failed_checks: Sequence[FailedCheck] = ()


@dataclass(frozen=True)
class Content:
    """Candidates and new sell signals of a message, to check later whether they still hold."""

    listed: frozenset[tuple[str, str]]
    """Model and ticker of the best of each model."""
    selling: frozenset[tuple[str, str]]
    """Ticker and rule."""


def content_of(day: Day, top: int) -> Content:
    """Return the content of a message about `day` with the best `top` of each model."""
    best = day.listed.filter(pl.col("rank") <= top).select("model", "ticker")
    return Content(frozenset(best.iter_rows()), frozenset(_new_signals(day).select("ticker", "rule").iter_rows()))


def session_message(day: Day, models: Sequence[str], top: int) -> Message:
    """Return the message of a session: what to sell, the best `top` of each of `models`, and doubts about the data."""
    edition = ", morning edition" if day.is_provisional else ""
    return Message(f"Candidates of {day.session}{edition}", tuple(_sections(day, models, top)))


def correction(day: Day, first: Content, models: Sequence[str], top: int) -> Message:
    """Return the message that follows when the `first` no longer holds: the changes, then the whole list again.

    `top` is the number of candidates per model in the first message.
    """
    changed = Section("Changed since the first message", tuple(_changes(first, content_of(day, top))))
    return Message(f"Corrected candidates of {day.session}", (changed, *_sections(day, models, top)))


def _sections(day: Day, models: Sequence[str], top: int) -> Iterator[Section]:
    signals = _new_signals(day)
    standing = day.signals.filter(~pl.col("is_new")).select("ticker", "rule").n_unique()
    if len(signals) or standing:
        yield _selling(signals, standing=standing)
    for model in models:
        yield _list(model, day, top)
    problems = tuple(Line(rest=words) for words in _problems(day))
    yield Section("Data", problems) if problems else Section("Data in order")


def _new_signals(day: Day) -> pl.DataFrame:
    """Return the signals that the session before did not have; two positions in one ticker count once."""
    return day.signals.filter("is_new").unique(["ticker", "rule"], keep="first", maintain_order=True)


def _selling(signals: pl.DataFrame, *, standing: int) -> Section:
    lines = tuple(map(_signal, signals.iter_rows(named=True)))
    stands = Line(
        rest=f"{_counted(standing, 'signal')} of earlier sessions still {'holds' if standing == 1 else 'hold'}"
    )
    heading = f"Sell: {_counted(len(lines), 'new signal')}" if lines else "Sell: nothing new"
    return Section(heading, lines, (stands,) if standing else ())


def _signal(row: Mapping[str, Any]) -> Line:
    why = plain(row["reasons"][0], REASON)
    return Line(strong=plain(row["ticker"], TICKER), rest=f"{_rule(row['rule'])} ({row['severity']}): {why}")


def _list(model: str, day: Day, top: int) -> Section:
    own = day.listed.filter(pl.col("model") == model).sort("rank")
    before = None if day.before is None else day.before.filter(pl.col("model") == model).sort("rank")
    earlier = None if before is None else set(before["ticker"])
    rows = own.head(top).iter_rows(named=True)
    lines = tuple(_candidate(row, is_new=earlier is not None and row["ticker"] not in earlier) for row in rows)
    gone = (
        [] if before is None else [ticker for ticker in before.head(top)["ticker"] if ticker not in set(own["ticker"])]
    )
    name = plain(model, RULE)
    heading = (
        f"{name}: {own['passed'][0]:,} of {own['scanned'][0]:,} passed" if len(own) else f"{name}: no stock passed"
    )
    return Section(heading, lines, (Line(rest=f"Gone: {_listed(gone)}"),) if gone else ())


def _candidate(row: Mapping[str, Any], *, is_new: bool) -> Line:
    new = "new, " if is_new else ""
    close = f"{row['close']:,.2f}" if row["close"] >= 1 else f"{row['close']:.4f}"
    why = plain(row["reasons"][0], REASON)
    return Line(str(row["rank"]), plain(row["ticker"], TICKER), f"{close} ({new}{row['score']:+.2f}): {why}")


def _problems(day: Day) -> Iterator[str]:
    if day.is_provisional:
        yield "Provisional: from the morning edition; the vendor's flat file replaces it later in the day."
    if day.missing:
        yield f"Missing before it: {_listed([str(session) for session in day.missing])}."
    if day.before is None:
        yield "The session before is not in the lake: nothing can be called new or gone."
    if day.held_without_bar:
        yield f"Held, but without a bar: {_listed(day.held_without_bar)}."
    if day.held_delisted:
        since = [f"{plain(ticker, TICKER)} on {delisted_on}" for ticker, delisted_on in day.held_delisted]
        yield f"Held, but delisted: {_listed(since, 2 * TICKER)}."
    if day.quarantined:
        share = day.quarantined / day.rows_read
        yield f"Quarantined: {day.quarantined:,} of {day.rows_read:,} rows ({share:.2%})."
    if not day.are_splits_known:
        yield "Splits unknown: prices are as traded."
    for ticker, execution_date, doubt in day.doubtful_splits:
        yield f"Split of {plain(ticker, TICKER)} on {execution_date} in doubt ({doubt}), not applied."
    for ticker, doubt in day.held_in_doubt:
        yield f"The value of your {plain(ticker, TICKER)} may be wrong: {plain(doubt, REASON)}."
    if day.left_out:
        named = "; ".join(plain(reason, REASON) for reason in day.left_out[:MOST_LEFT_OUT])
        more = f"; and {len(day.left_out) - MOST_LEFT_OUT:,} more" if len(day.left_out) > MOST_LEFT_OUT else ""
        yield f"Left out of a list, since prices are in doubt: {named}{more}."
    for check in day.failed_checks:
        yield f"Check {check.name} of {check.asset} {'failed' if check.stops else 'warned'}."


def _changes(first: Content, now: Content) -> Iterator[Line]:
    entered, left = now.listed - first.listed, first.listed - now.listed
    for model in sorted({model for model, _ in entered | left}):
        moves = {
            "in": [ticker for name, ticker in sorted(entered) if name == model],
            "out": [ticker for name, ticker in sorted(left) if name == model],
        }
        words = "; ".join(f"{way} {_listed(tickers)}" for way, tickers in moves.items() if tickers)
        yield Line(strong=plain(model, RULE), rest=words)
    for ticker, rule in sorted(now.selling - first.selling):
        yield Line("Sell", plain(ticker, TICKER), _rule(rule))
    for ticker, rule in sorted(first.selling - now.selling):
        yield Line("No longer sell", plain(ticker, TICKER), _rule(rule))


def _rule(name: str) -> str:
    return plain(name.replace("_", " "), RULE)


def _listed(names: Sequence[str], longest: int = TICKER) -> str:
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(plain(name, longest) for name in names[:MOST_LISTED]) + more


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"
