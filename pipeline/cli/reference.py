"""`candlelake reference`: tickers, splits, dividends and renames, asked of their source anew."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.cli.progress import shown_progress
from pipeline.cli.run_reports import finish, tell
from pipeline.cli.terminal import say

if TYPE_CHECKING:
    from pipeline.execution import RunReport
    from pipeline.lake.tables import Lake
    from pipeline.settings import Settings

FRESH_FOR = timedelta(hours=20)
"""How long reference data counts as that of the day: a run by hand may come earlier than the day before."""


def reference() -> None:
    """Refresh tickers, splits, dividends and renames."""
    from pipeline.settings import load_settings

    reports = [refreshed(load_settings())]
    tell(reports)
    finish(reports)


def brought_up_to_date(settings: "Settings") -> list["RunReport"]:
    """Return the report of a refresh, if the newest one is not of the day; splits must be known before sessions run."""
    from pipeline.lake.tables import Lake

    newest = newest_refresh(Lake(settings.lake))
    if newest is not None and datetime.now(UTC) - newest < FRESH_FOR:
        return []
    return [refreshed(settings)]


def refreshed(settings: "Settings") -> "RunReport":
    """Refresh every table of reference data, and return the report."""
    from pipeline.execution import refresh_reference

    if settings.rest_key is not None and settings.reference is None:
        say(f"Asking {settings.rest_url} for reference data, {settings.rest_calls_per_minute} pages a minute.")
    with shown_progress() as progress:
        return refresh_reference(settings, progress)


def newest_refresh(lake: "Lake") -> datetime | None:
    """Return when splits were refreshed last (UTC); None when they never were."""
    from pipeline.contracts.reference import SPLITS

    return lake.history("reference/splits")["committed_at"].max() if lake.exists(SPLITS) else None  # type: ignore[return-value]
