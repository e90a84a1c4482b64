"""Whether the code of today would compute other rows than the code with these fingerprints. Pure."""

from collections.abc import Mapping, Sequence

from pipeline.contracts.table import Table
from pipeline.market.computed import FILE, SHARED, computations, computed_by
from pipeline.market.earlier_code import BEFORE, BEFORE_RENAMES, SAME
from pipeline.market.market import Market

MOST_NAMED = 5
"""Declarations that one cause lists by name; the others are counted."""


def cause(market: Market, table: Table, was: Mapping[str, str] | None) -> str | None:
    """Return in words what is new or changed in the computation of a table since its rows were computed, or None.

    `was` has the fingerprints from their commit. A commit without fingerprints is from the version before they were
    stored. A declaration that was removed changes nothing: its columns and lists stay as they are.
    """
    was, now = BEFORE.get(table.sql_name, {}) if was is None else was, computed_by(market, table)
    parts = [part for part in now if not part.startswith(FILE)]
    new = [part for part in parts if part not in was]
    changed = [part for part in parts if part in was and not is_same(was[part], now[part])]
    computation = computations(market)[table]
    shared = [f"{computation.shared_words} changed"] if SHARED in new + changed else []
    causes = [*shared, _listed("{}{} changed", computation.kind, changed), _listed("new {}{}", computation.kind, new)]
    return "; ".join(filter(None, causes)) or None


def is_same(was: str, now: str) -> bool:
    """Return whether the code behind two fingerprints computes the same."""
    return _newest(was) == _newest(now)


def follows_renames(table: Table, was: Mapping[str, str] | None) -> bool:
    """Return whether the code with these fingerprints (of `cause`) followed securities through their renames."""
    last = BEFORE_RENAMES.get(table.sql_name)
    found = (BEFORE.get(table.sql_name, {}) if was is None else was).get(SHARED, "")
    while found != last and found in SAME:
        found = SAME[found]
    return found != last


def _newest(fingerprint: str) -> str:
    while fingerprint in SAME:
        fingerprint = SAME[fingerprint]
    return fingerprint


def _listed(form: str, kind: str, parts: Sequence[str]) -> str:
    """Return parts in words, such as `indicators changed: rsi_14, atr_14`; empty text for no part."""
    names = [part for part in parts if part != SHARED]
    if not names:
        return ""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{form.format(kind, 's' if len(names) > 1 else '')}: {', '.join(names[:MOST_NAMED])}{more}"
