"""Marks in a lake that rest on an older word of the vendor, and pages that show older rows than the tables have."""

import os
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from assets_tests.market.holdings import bars, day, opening
from assets_tests.queries.test_portfolio import bought, fill
from assets_tests.stocks import STOCKS, computed_by
from pipeline.alerts.message import Content
from pipeline.alerts.sent import Entry, enter
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.contracts.reference import SPLITS, vendor_columns
from pipeline.lake.lake import Lake
from pipeline.market.securities.reference import merged, with_split_doubts
from pipeline.queries.outdated import outdated_sessions
from pipeline.queries.outdated_pages import Shown, outdated_pages
from pipeline.queries.portfolio import portfolio
from pipeline.reports.folder import ReportsFolder

MARKS_AND_SIGNALS = (POSITION_MARKS, SIGNALS)


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path / "lake", computed_by=computed_by)
    fill(lake, bars("A", dict.fromkeys(range(6), 100.0)), bars("B", dict.fromkeys(range(6), 50.0)))
    bought(lake, opening("A", at=1))
    return lake


def tell(lake, *splits):
    """Refresh the splits, given as ticker, number of the session, new shares for one."""
    rows = [
        {"ticker": ticker, "execution_date": day(at), "split_from": 1.0, "split_to": new, "id": f"{ticker}{at}"}
        for ticker, at, new in splits
    ]
    answer = pl.DataFrame(rows, schema=vendor_columns(SPLITS))
    history = merged(lake.read(SPLITS).rows.collect(), answer, datetime.now(UTC))
    lake.refresh(SPLITS, with_split_doubts(history), run_id="reference")


def mark(lake, *numbers):
    sessions = [day(number) for number in numbers]
    marked = portfolio(lake, STOCKS, sessions)
    for table, rows in zip(MARKS_AND_SIGNALS, (marked.marks, marked.signals), strict=True):
        lake.replace(table, sessions, [rows], run_id="marks", read=marked.read)


def due(lake):
    return outdated_sessions(lake, STOCKS).due.rows()


def test_a_split_of_what_is_held_that_comes_late_outdates_its_marks_and_signals(lake):
    tell(lake)
    mark(lake, 2, 3, 4)
    assert due(lake) == []
    tell(lake, ("A", 3, 2.0), ("B", 3, 2.0))
    assert due(lake) == [(name, day(at)) for at in (3, 4) for name in ("portfolio.position_marks", "portfolio.signals")]
    mark(lake, 3, 4)
    assert due(lake) == []


def test_a_split_of_what_is_not_held_outdates_no_mark(lake):
    tell(lake)
    mark(lake, 2, 3, 4)
    tell(lake, ("B", 3, 2.0))
    assert due(lake) == []


def lists(lake, *numbers):
    sessions = [day(number) for number in numbers]
    lake.replace(CANDIDATES, sessions, [CANDIDATES.empty()], run_id="lists")


def page(folder, number, *, hours):
    """Put a page there that was written so many hours from now."""
    path = folder.candidates_path(day(number))
    path.parent.mkdir(parents=True)
    path.touch()
    at = (datetime.now(UTC) + timedelta(hours=hours)).timestamp()
    os.utime(path, (at, at))


def sent_alert(lake, number):
    content = Content(frozenset(), frozenset())
    enter(lake, Entry(day(number), "channel", "Telegram", "list", "message", 5, content, datetime.now(UTC), "run"))


def test_a_page_older_than_what_it_shows_is_written_again_and_the_newest_alert_if_sent_is_corrected(lake, tmp_path):
    folder = ReportsFolder(tmp_path / "pages")
    lists(lake, 2, 3, 4)
    for number, hours in ((2, 1), (3, -1), (4, 1)):
        page(folder, number, hours=hours)
    assert outdated_pages(lake, STOCKS, outdated_sessions(lake, STOCKS), folder) == Shown((day(3),), None)
    tell(lake)
    mark(lake, 4)
    tell(lake, ("A", 4, 2.0))
    assert outdated_pages(lake, STOCKS, outdated_sessions(lake, STOCKS), folder) == Shown((day(3), day(4)), None)
    sent_alert(lake, 4)
    assert outdated_pages(lake, STOCKS, outdated_sessions(lake, STOCKS), folder).alert == day(4)


def test_without_pages_and_lists_nothing_was_shown(lake, tmp_path):
    folder = ReportsFolder(tmp_path / "pages")
    assert outdated_pages(lake, STOCKS, outdated_sessions(lake, STOCKS), folder) == Shown()
