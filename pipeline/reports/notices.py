"""Warnings on top of a page about the limits of its numbers."""

from datetime import date

SPLITS_UNKNOWN = (
    "Splits unknown: prices are as traded. Averages and changes that reach over a split are wrong by its factor."
)

PROVISIONAL = (
    "Provisional: made from the morning edition. The vendor's flat file replaces these numbers later in the day."
)


def in_doubt(reading: str, evidence: str) -> str:
    """Return the warning of a doubt about the ticker's prices, splits or dividends."""
    return f"In doubt: {reading}. {evidence}"


def no_bar(session: date, last: date | None) -> str:
    """Return the warning of a ticker that did not trade on `session` and whose last bar is from `last`."""
    if last is None:
        return f"No bar up to {session}: halted, delisted, or not in the feed."
    return f"No bar on {session}: halted, delisted, or not in the feed. The last one is of {last}."


def holding_in_doubt(ticker: str, doubt: str) -> str:
    """Return the warning of a holding with something in doubt within its time, which `doubt` says."""
    return f"The value of your {ticker} may be wrong: {doubt}."
