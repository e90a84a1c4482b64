"""Day bars of chosen tickers from the REST API, on both bases: a table beside the pipeline that nothing reads."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from dagster import AssetExecutionContext, AssetsDefinition, MaterializeResult, ResourceParam, asset

from pipeline.contracts.aggregates import AGGREGATES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.errors import SettingsError
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.orchestration.partitions import ONE_RUN, sessions_of
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.table_metadata import declared, record, stage, table_preview
from pipeline.progress import Progress
from pipeline.settings import Settings
from pipeline.sources.choose import Sources
from pipeline.sources.massive.cleaned_day import CleanedDay, cleaned_day
from pipeline.sources.massive.grouped_daily import day_of
from pipeline.sources.massive.rest_days import Row, rows_by_session, ticker_rows

IS_ADJUSTED = {"none": False, "split": True}
"""The request parameter `adjusted` for each basis."""

ANY_SHARE = 1.0
"""For a few tickers the share of bad rows means nothing: each bad row is listed instead."""


def aggregates_of(market: Market, partitions: SessionPartitions) -> AssetsDefinition:
    """Return the asset of prices from the REST API, by ticker."""

    @asset(
        **declared(market, AGGREGATES, group="bars", stage=stage("prices of tickers", source="the REST API")),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def stock_aggregates(
        context: AssetExecutionContext,
        lake: ResourceParam[Lake],
        sources: ResourceParam[Sources],
        settings: ResourceParam[Settings],
        progress: ResourceParam[Progress],
    ) -> MaterializeResult:
        """Request each ticker once per basis, for all sessions at once; rows are cleaned by the rules for all bars."""
        sessions = sessions_of(context.partition_keys)
        fetched = fetched_rows(sources, required_tickers(settings), sessions, progress)
        bars, rejected = cleaned(fetched, sessions, AGGREGATES.venue.today(datetime.now(UTC)))
        if len(rejected):
            context.log.warning(f"{len(rejected):,} rows of the vendor were rejected: see `rejected`.")
        written = lake.replace(AGGREGATES, sessions, [bars], run_id=context.run.run_id)
        metadata = aggregates_metadata(required_tickers(settings), bars, rejected)
        return MaterializeResult(metadata=record(context, AGGREGATES, written) | metadata)

    return stock_aggregates


def aggregates_metadata(requested: Sequence[str], bars: pl.DataFrame, rejected: pl.DataFrame) -> dict[str, Any]:
    """Return metadata on the `requested` tickers: how many, which have no bar, which rows were rejected."""
    without = sorted(set(requested) - set(bars["ticker"]))
    metadata = {"tickers": len(requested), "tickers_without_bars": ", ".join(without), "rejected": len(rejected)}
    return metadata | ({"rejected_rows": table_preview(rejected)} if len(rejected) else {})


def required_tickers(settings: Settings) -> tuple[str, ...]:
    """Return the tickers in the settings. Raises SettingsError when there are none."""
    if not settings.tickers:
        raise SettingsError(
            "CANDLELAKE_TICKERS must be set: it lists the tickers to request from the REST API.",
            remedy="List them with commas between, such as CANDLELAKE_TICKERS=AAPL,MSFT, in the environment or .env.",
        )
    return settings.tickers


def fetched_rows(
    sources: Sources, tickers: Sequence[str], sessions: Sequence[date], progress: Progress
) -> dict[str, list[Row]]:
    """Return the vendor's rows of every one of `tickers` from the first session to the last, by basis."""
    requests = [(ticker, basis) for basis in IS_ADJUSTED for ticker in tickers]
    rows: dict[str, list[Row]] = {basis: [] for basis in IS_ADJUSTED}
    with sources.rest() as rest:
        for ticker, basis in progress.track("aggregates", requests):
            rows[basis] += ticker_rows(rest, ticker, sessions[0], sessions[-1], adjusted=IS_ADJUSTED[basis])
    return rows


def cleaned(
    fetched: dict[str, list[Row]], sessions: Sequence[date], fetched_on: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the aggregates of `sessions`, and the rows that were rejected as the vendor wrote them, with reasons."""
    days = list(_cleaned_days(fetched, sessions))
    bars = [
        day.bars.with_columns(basis=pl.lit(basis), fetched_on=pl.lit(fetched_on)).select(list(AGGREGATES.columns))
        for basis, day in days
    ]
    rejected = [day.quarantine.select("session", pl.lit(basis).alias("basis"), *_SHOWN_COLUMNS) for basis, day in days]
    nothing = QUARANTINE.empty().select("session", pl.lit("").alias("basis"), *_SHOWN_COLUMNS)
    return pl.concat([AGGREGATES.empty(), *bars]), pl.concat([nothing, *rejected])


_SHOWN_COLUMNS = ("ticker", "close", "volume", "window_start", pl.col("reasons").list.join(", "))


def _cleaned_days(fetched: dict[str, list[Row]], sessions: Sequence[date]) -> Iterator[tuple[str, CleanedDay]]:
    for basis, rows in fetched.items():
        for session, of_session in rows_by_session(rows, sessions).items():
            if of_session:
                name = f"{AGGREGATES.sql_name} ({basis})"
                yield basis, cleaned_day(day_of(of_session), AGGREGATES.venue, session, name, str(session), ANY_SHARE)
