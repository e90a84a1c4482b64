"""The third stage: indicators of every bar, and the ranked candidates of every session."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl
from dagster import AssetExecutionContext, AssetIn, MaterializeResult, ResourceParam, asset

from pipeline.assets.session_table import asset_key, declared, record, table_preview
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.lake.tables import Lake
from pipeline.market.calendar import new_york
from pipeline.market.indicators import INDICATORS_TABLE, LOOKBACK_SESSIONS, indicators
from pipeline.market.screen.rank import candidates
from pipeline.partitions import ONE_RUN, STOCK_SESSIONS, look_back, sessions_of
from pipeline.progress import Progress

INDICATOR_CHUNK = 252
"""Sessions computed at a time. Each chunk reads its look-back anew: short ones repeat work, long ones hold memory."""

CANDIDATE_CHUNK = 126


@asset(
    **declared(INDICATORS_TABLE, group="signals"),
    ins={
        "daily_bars": AssetIn(asset_key(DAILY_BARS), partition_mapping=look_back(LOOKBACK_SESSIONS)),
    },
    partitions_def=STOCK_SESSIONS,
    backfill_policy=ONE_RUN,
)
def stock_indicators(
    context: AssetExecutionContext,
    daily_bars: pl.LazyFrame,
    lake: ResourceParam[Lake],
    progress: ResourceParam[Progress],
) -> MaterializeResult:
    """Compute every indicator of the sessions from their bars and the look-back before them."""
    sessions = sessions_of(context.partition_keys)
    rows = indicator_chunks(daily_bars, sessions, progress)
    written = lake.replace(INDICATORS_TABLE, sessions, rows, run_id=context.run.run_id)
    return MaterializeResult(metadata=record(context, INDICATORS_TABLE, written))


def indicator_chunks(bars: pl.LazyFrame, sessions: Sequence[date], progress: Progress) -> Iterator[pl.DataFrame]:
    """Yield the indicators of `sessions` in bounded chunks; `bars` reaches back as far as the first needs."""
    for chunk in progress.chunks("indicators", sessions, INDICATOR_CHUNK):
        window = new_york().between(new_york().offset(chunk[0], 1 - LOOKBACK_SESSIONS), chunk[-1])
        in_window = bars.filter(pl.col("session").is_between(window[0], window[-1])).collect()
        yield indicators(in_window, window, since=chunk[0])


@asset(
    **declared(CANDIDATES, group="signals"),
    ins={
        "daily_bars": AssetIn(asset_key(DAILY_BARS)),
        "stock_indicators": AssetIn(asset_key(INDICATORS_TABLE)),
    },
    partitions_def=STOCK_SESSIONS,
    backfill_policy=ONE_RUN,
)
def stock_candidates(
    context: AssetExecutionContext,
    daily_bars: pl.LazyFrame,
    stock_indicators: pl.LazyFrame,
    lake: ResourceParam[Lake],
    progress: ResourceParam[Progress],
) -> MaterializeResult:
    """Rank the stocks of each session by every model."""
    sessions = sessions_of(context.partition_keys)
    day = daily_bars.join(stock_indicators, on=["ticker", "session"])
    written = lake.replace(CANDIDATES, sessions, candidate_chunks(day, sessions, progress), run_id=context.run.run_id)
    shown = best_of_sessions(lake.scan(CANDIDATES, sessions[0], sessions[-1]), newest=sessions[-1])
    return MaterializeResult(metadata=record(context, CANDIDATES, written, per_session=shown))


def candidate_chunks(day: pl.LazyFrame, sessions: Sequence[date], progress: Progress) -> Iterator[pl.DataFrame]:
    """Yield the candidates of `sessions` in bounded chunks; `day` has the bars and indicators of all of them."""
    for chunk in progress.chunks("candidates", sessions, CANDIDATE_CHUNK):
        yield candidates(day.filter(pl.col("session").is_between(chunk[0], chunk[-1])).collect())


def best_of_sessions(listed: pl.LazyFrame, newest: date) -> dict[date, dict[str, Any]]:
    """Return the best score of each model, by session, and for the newest session a table of its best candidates."""
    best = pl.col("score").max().alias("best")
    by_session = listed.group_by("session", "model").agg(best).sort("session", "model").collect()
    shown: dict[date, dict[str, Any]] = {}
    for session, model, score in by_session.iter_rows():
        shown.setdefault(session, {})[f"best_{model}_score"] = score
    if newest in shown:
        shown[newest]["candidates"] = table_preview(best_first(listed, newest))
    return shown


def best_first(listed: pl.LazyFrame, session: date) -> pl.DataFrame:
    """Return the best five of each model as a flat frame to look at."""
    best = listed.filter(pl.col("session") == session, pl.col("rank") <= 5).sort("model", "rank").collect()
    return best.select("model", "rank", "ticker", "score", "close", reasons=pl.col("reasons").list.join("; "))
