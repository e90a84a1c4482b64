"""Sessions for alerts, made for tests: candidates, sell signals and all the rest."""

from datetime import date
from typing import Any

import polars as pl

from pipeline.alerts.message import Day
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.portfolio import SIGNALS

THU, FRI = date(2024, 1, 4), date(2024, 1, 5)


def listed(session: date, *tickers: str, model: str = "trend", reason: str = "Up 12.0 % in 60 days") -> pl.DataFrame:
    """Return the list of a model, the first ticker best; the n-th closes at 100 + n and scores 1 / n."""
    rows = [
        {
            "model": model,
            "model_version": 1,
            "session": session,
            "rank": rank,
            "ticker": ticker,
            "score": 1 / rank,
            "close": 100.0 + rank,
            "contributions": [
                {"factor": "momentum", "value": 0.1, "zscore": 1 / rank, "weight": 1.0, "contribution": 1 / rank}
            ],
            "reasons": [reason, "Calm"],
            "scanned": 10_171,
            "passed": 3_120,
        }
        for rank, ticker in enumerate(tickers, start=1)
    ]
    return pl.DataFrame(rows, schema=CANDIDATES.columns)


def signal(
    ticker: str, rule: str = "stop_hit", severity: str = "high", *, is_new: bool = True, **changed: Any
) -> dict[str, Any]:
    """Return a row of `portfolio/signals`."""
    return {
        "position": 1,
        "session": FRI,
        "rule": rule,
        "rule_version": 1,
        "ticker": ticker,
        "severity": severity,
        "is_new": is_new,
        "value": 190.0,
        "threshold": 195.0,
        "reasons": ["Close 190.00 lies under the stop 195.00"],
        **changed,
    }


def signals(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SIGNALS.columns)


def a_day(**changed: Any) -> Day:
    """Return a quiet Friday after a Thursday with the same list; arguments change it."""
    quiet: dict[str, Any] = {
        "session": FRI,
        "listed": listed(FRI, "GOOG", "IBM"),
        "before": listed(THU, "GOOG", "IBM"),
        "signals": signals(),
        "rows_read": 10_171,
        "quarantined": 0,
    }
    return Day(**quiet | changed)
