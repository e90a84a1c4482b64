"""Computes declared indicators over bars."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from pipeline.contracts.indicators import IndicatorColumn
from pipeline.errors import IndicatorError
from pipeline.market.indicators.declaration import Indicator

if TYPE_CHECKING:
    from pipeline.market.indicators.panel import Panel, Values


def indicators(
    bars: pl.DataFrame,
    sessions: Sequence[date],
    since: date,
    *,
    declared: Sequence[Indicator],
    lookback: int,
) -> pl.DataFrame:
    """Return the indicators of every bar from the session `since` on, sorted by ticker, then session.

    `bars` are rows of `stocks/daily_bars` in any order (fastest when sorted by ticker and session), reaching back
    `lookback` − 1 sessions before `since` where there are that many; `sessions` are the exchange's, in order, covering
    `bars`. The window of a bar is the ticker's bars in the last `lookback` sessions up to its own; a value depends on
    nothing else, so that any `since` and any further bars give the same value, apart from rounding. Columns: ticker,
    session, and those of `declared`, in order; null where the window holds too few bars.

    Raises ContractBroken when `bars` break their contract, repeat a key, or lie outside `sessions`.
    """
    # Loading the compiled kernels takes a second, which only a computation should cost.
    from pipeline.market.indicators.arrange import arrange  # noqa: PLC0415

    panel = arrange(bars, sessions, since, lookback)
    columns = panel.wanted.select("ticker", "session").get_columns()
    with ThreadPoolExecutor(pl.thread_pool_size()) as threads:
        for computed in threads.map(partial(_columns, panel), declared):
            columns += computed
    return pl.DataFrame(columns)


def _columns(panel: Panel, indicator: Indicator) -> list[pl.Series]:
    """Return the columns of `indicator`. Kernels and Polars release the interpreter lock: threads run in parallel."""
    try:
        values = indicator.compute(panel)
        series = [_series(column, v) for column, v in zip(indicator.columns, values, strict=True)]
    except Exception as failed:
        raise _failed(indicator, f"{type(failed).__name__}: {failed}") from failed
    if any(len(column) != len(panel.wanted) for column in series):
        raise _failed(indicator, f"it returned {len(series[0]):,} values for {len(panel.wanted):,} bars")
    return series


def _failed(indicator: Indicator, fault: str) -> IndicatorError:
    names = ", ".join(column.name for column in indicator.columns)
    return IndicatorError(
        f"The indicator {names} cannot be computed: {fault.splitlines()[0].rstrip('.')}.",
        remedy="Correct its declaration: `candlelake mine` says which file it is in, if it is yours.",
    )


def _series(column: IndicatorColumn, values: Values) -> pl.Series:
    """Return `values` as the declared column, null for what is not a number."""
    if not isinstance(values, pl.Series):
        return pl.Series(column.name, values, nan_to_null=True).cast(column.dtype)
    series = values.alias(column.name).cast(column.dtype)
    if column.dtype.is_float():
        return pl.select(pl.when(series.is_finite()).then(series)).to_series()
    return series
