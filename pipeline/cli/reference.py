"""`candlelake reference`: refreshes tickers, splits, dividends and renames from their source."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.progress import shown_progress
from pipeline.cli.run_reports import finish, tell
from pipeline.cli.terminal import say, say_warning

if TYPE_CHECKING:
    import polars as pl

    from pipeline.contracts.table import Table
    from pipeline.lake.lake import Lake
    from pipeline.orchestration.runs import RunReport
    from pipeline.settings import Settings

FRESH_FOR = timedelta(hours=20)
"""Reference data of this age are still fresh: a run by hand may come earlier in the day than the last one."""

RUN_ID = "candlelake reference"
"""The commits of this command itself have this instead of a run's id."""


def reference(
    clock_was_ahead: Annotated[
        bool,
        typer.Option(
            "--clock-was-ahead",
            metavar="",
            help="Date earlier refreshes before now where this computer's clock, now right, was ahead then.",
        ),
    ] = False,
) -> None:
    """Refresh tickers, splits, dividends and renames."""
    from pipeline.settings import load_settings

    settings = load_settings()
    if clock_was_ahead:
        put_clock_right(settings)
    reports = [refresh(settings)]
    tell(reports)
    finish(reports)


def put_clock_right(settings: "Settings") -> None:
    """Move refreshes dated in the future to before now. Raises ClockBehind when the clock itself is behind."""
    from pipeline.contracts.reference import REFERENCE_TABLES
    from pipeline.lake.lake import Lake
    from pipeline.market.securities.reference import dated_before, newest_refresh

    lake = Lake(settings.lake)
    require_sessions_over(lake)
    for table in REFERENCE_TABLES:
        reading, now = lake.read(table), datetime.now(UTC)
        history = reading.rows.collect()
        newest = newest_refresh(history)
        if newest is not None and newest > now:
            lake.refresh(table, dated_before(history, now), run_id=RUN_ID, read=[reading])
            say(f"{table.sql_name}: what was dated up to {newest:%Y-%m-%d %H:%M} UTC is now dated before now.")


def require_sessions_over(lake: "Lake") -> None:
    """Raise ClockBehind when the lake has bars of a session that is in the future by this computer's clock."""

    from pipeline.contracts.bars import DAILY_BARS
    from pipeline.errors import ClockBehind

    if not lake.exists(DAILY_BARS):
        return
    today = DAILY_BARS.venue.today(datetime.now(UTC))
    newest = lake.scan(DAILY_BARS, columns=["session"]).max().collect().item()
    if newest is not None and newest > today:
        raise ClockBehind(
            f"The lake has bars of {newest}, and by this computer's clock it is {today}: the clock is behind.",
            remedy="Set this computer's clock, then refresh again without --clock-was-ahead.",
        )


def refresh_if_stale(settings: "Settings") -> list["RunReport"]:
    """Refresh reference data if they are stale, and return the reports; splits must be known before sessions run."""
    from pipeline.lake.lake import Lake

    lake = Lake(settings.lake)
    newest, now = newest_refresh(lake), datetime.now(UTC)
    if newest is not None and newest > now:
        say_warning(
            f"By this computer's clock, reference data was refreshed on {newest:%Y-%m-%d %H:%M} UTC, which is in the "
            "future. That does not count as fresh, so it is refreshed now."
        )
    elif newest is not None and now - newest < FRESH_FOR and is_complete(lake, since=now - FRESH_FOR):
        return []
    return [refresh(settings)]


def refresh(settings: "Settings") -> "RunReport":
    """Refresh every table of reference data, and return the report."""
    from pipeline.orchestration.runs import refresh_reference

    if settings.rest_key is not None and settings.reference is None:
        say(f"Fetching reference data from {settings.rest_url}, {settings.rest_calls_per_minute} pages per minute.")
    with shown_progress() as progress:
        return refresh_reference(settings, progress)


def is_complete(lake: "Lake", *, since: datetime) -> bool:
    """Return whether every table of reference data was refreshed since: a refresh may have ended early."""
    from pipeline.contracts.reference import REFERENCE_TABLES

    return all(lake.exists(table) and _last_refresh(lake, table) >= since for table in REFERENCE_TABLES)


def _last_refresh(lake: "Lake", table: "Table") -> datetime:
    refreshes = lake.history(table.path).filter(_is_refresh())
    return refreshes["committed_at"].max() or datetime.min.replace(tzinfo=UTC)  # type: ignore[return-value]


def _is_refresh() -> "pl.Expr":
    """Return whether a commit of a table of reference data fetched it: vacuums read nothing, rulings are the user's."""
    import polars as pl

    from pipeline.queries.rulings import RUN_ID as RULINGS

    return pl.col("read").is_not_null() & pl.col("run_id").ne_missing(RULINGS)


def newest_refresh(lake: "Lake") -> datetime | None:
    """Return the last refresh of splits (UTC); None when there is none, or only their dates were corrected."""
    import polars as pl

    from pipeline.contracts.reference import SPLITS
    from pipeline.market.securities.reference import newest_refresh as newest_moment

    if not lake.exists(SPLITS):
        return None
    commits = lake.history("reference/splits").filter(pl.col("read").is_not_null())
    refreshes = commits.filter(_is_refresh())
    last = refreshes.filter(pl.col("version") == pl.col("version").max())
    if last["run_id"].to_list() == [RUN_ID]:
        return None
    if refreshes["version"].max() != commits["version"].max():
        # The newest moment in the rows is that of a ruling.
        return last["committed_at"].max()  # type: ignore[return-value]
    return newest_moment(lake.read(SPLITS).rows.collect()) or last["committed_at"].max()  # type: ignore[return-value]
