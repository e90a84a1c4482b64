"""Several runs at once over one lake, with readers who look at it all the while."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from assets_tests.faults.nursery import Work
from assets_tests.faults.two_versions import DAYS, NEW, OLD, Market, bars_of, lake_of
from pipeline.contracts.bars import DAILY_BARS
from pipeline.lake.sql import connect

PAUSE = 0.1
"""Seconds from one look to the next: readers that never rest would leave the runs no processor."""

Bars = list[tuple[date, str, float]]


def at_once(market: Market, work: Sequence[Work]) -> None:
    """Do all of `work` at once, each in a process of its own; fail unless every one of them ends well."""
    runs = [market.nursery.start(one) for one in work]
    codes = [run.wait() for run in runs]
    assert not any(codes), "\n".join(run.output() for run in runs)


@contextmanager
def readers(settings: dict[str, Any]) -> Iterator[list[str]]:
    """Let two readers look at the bars until the context ends; give what they saw of each session, version by version.

    Raises AssertionError at the end when one of them ever saw a session that was of no version, whole.
    """
    lake, over, seen, failures = lake_of(settings), threading.Event(), [], []

    def look(read: Callable[[], Bars]) -> None:
        try:
            while not over.wait(PAUSE):
                seen.extend(_versions(read()))
        except BaseException as failure:
            failures.append(failure)

    def by_scan() -> Bars:
        return lake.scan(DAILY_BARS, *DAYS, columns=["session", "ticker", "close"]).collect().rows()

    query = f"SELECT session, ticker, close FROM stocks.daily_bars WHERE session >= DATE '{DAYS[0]}'"  # noqa: S608

    sql = connect(lake)

    def by_sql() -> Bars:
        return sql.sql(query).rows()

    threads = [threading.Thread(target=look, args=(read,)) for read in (by_scan, by_sql)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def _versions(bars: Bars) -> Iterator[str]:
    for day in DAYS:
        found = sorted(row for row in bars if row[0] == day)
        versions = {version: [row for row in bars_of(version) if row[0] == day] for version in (OLD, NEW)}
        whole = [name for name, rows in versions.items() if rows == found]
        assert whole, f"{day} is of no version: {found}"
        yield whole[0]
