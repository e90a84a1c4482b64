"""Minute files for tests, written row by row beside the day files of the tiny vendor, and runs of the minutes' job."""

from collections.abc import Sequence
from datetime import date, time
from typing import Any

from dagster import ExecuteInProcessResult

from assets_tests.dagster_runs import run
from assets_tests.vendor_day import VendorFolder, day_file, row
from pipeline.settings import Settings


def minute(session: date, ticker: str, at: str, close: str = "10", **columns: str) -> str:
    """Return one line of a minute file; `at` is New York's time, such as 09:30. A good one by default."""
    return row(session, ticker, close, at=time.fromisoformat(at), **columns)


def minute_path(vendor: VendorFolder, session: date) -> Any:
    return vendor.files / f"us_stocks_sip/minute_aggs_v1/{session:%Y}/{session:%m}/{session}.csv.gz"


def lay_minutes(vendor: VendorFolder, session: date, *rows: str) -> bytes:
    """Lay down the minute file of a session, in place of the one there is, and return its bytes."""
    content = day_file(*rows)
    path = minute_path(vendor, session)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return content


def run_minutes(settings: Settings, sessions: Sequence[date], **how: Any) -> ExecuteInProcessResult:
    """Run the minutes' job for one session or a range, as `run` does the daily one."""
    return run(settings, sessions, job_name="minutes_by_day", **how)
