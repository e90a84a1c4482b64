"""The runs that bring outdated tables up to date: their jobs, their assets and their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dagster import AssetKey

from pipeline.assets.reports import MOST_SESSIONS, report_keys
from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.table import Table
from pipeline.market.market import Market
from pipeline.orchestration.jobs import RESTATED_SIGNALS, STOCKS_BY_DAY, only_outdated, steps_of
from pipeline.orchestration.table_metadata import asset_key
from pipeline.queries.outdated import OutdatedSessions
from pipeline.queries.outdated_pages import Shown
from pipeline.venues.us_stocks import US_STOCKS

NOTHING_SHOWN = Shown()


@dataclass(frozen=True)
class Rerun:
    """One run over consecutive sessions."""

    job: str
    first: date
    last: date
    assets: tuple[AssetKey, ...]
    ops: dict[str, Any]
    """The run configuration of its assets."""


def reruns(stocks: Market, due: OutdatedSessions, shown: Shown = NOTHING_SHOWN) -> list[Rerun]:
    """Return the runs that bring the sessions `due` up to date, in the order in which to run them.

    Then those that write the outdated pages and send the corrected alert of what was `shown`.
    """
    tables = [
        Rerun(job, stretch.first, stretch.last, assets, only_outdated(stocks) if job == RESTATED_SIGNALS else {})
        for stretch in due.stretches
        for job, together in steps_of(stocks)
        if (assets := _assets(together, stretch.tables))
    ]
    pages = [Rerun(STOCKS_BY_DAY, first, last, report_keys(stocks), {}) for first, last in _few_at_a_time(shown.pages)]
    alert = [] if shown.alert is None else [shown.alert]
    return [*tables, *pages, *(Rerun(STOCKS_BY_DAY, day, day, (asset_key(ALERTS),), {}) for day in alert)]


def _few_at_a_time(sessions: Sequence[date]) -> list[tuple[date, date]]:
    """Return unbroken spans of `sessions`, each as long as the pages of one run allow."""
    spans: list[tuple[date, date]] = []
    for session in sessions:
        first, last = spans[-1] if spans else (session, session)
        follows = bool(spans) and US_STOCKS.calendar.offset(last, 1) == session
        if follows and len(US_STOCKS.calendar.between(first, session)) <= MOST_SESSIONS:
            spans[-1] = first, session
        else:
            spans.append((session, session))
    return spans


def _assets(together: Sequence[Sequence[Table]], due: Sequence[str]) -> tuple[AssetKey, ...]:
    """Return the assets of each group of tables in `together` that has a due one."""
    groups = [group for group in together if {table.sql_name for table in group} & set(due)]
    return tuple(key for group in groups for key in sorted(map(asset_key, group)))
