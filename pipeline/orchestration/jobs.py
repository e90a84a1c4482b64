"""The jobs: which assets run together, and under which name a person finds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from dagster import AssetKey, AssetSelection, define_asset_job, in_process_executor

from pipeline.contracts.aggregates import AGGREGATES
from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES, MODEL_SCORES, SESSION_SCORES
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.contracts.reference import REFERENCE_TABLES
from pipeline.contracts.table import Table
from pipeline.market.market import Market
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.table_metadata import asset_key
from pipeline.tables import MINUTE_TABLES

STOCKS_BY_DAY, REFERENCE_DATA, MINUTES_BY_DAY = "stocks_by_day", "reference_data", "minutes_by_day"
RESTATED_SIGNALS, OUTCOMES, MAINTENANCE = "restated_signals", "outcomes", "maintenance"
"""Names of jobs that commands run."""

SQL_CATALOG = AssetKey(["operations", "sql_catalog"])


@dataclass(frozen=True)
class Jobs:
    """The jobs of US stocks. An asset that several of them make is the first one's."""

    reference_data: Any
    stocks_by_day: Any
    minutes_by_day: Any
    restated_signals: Any
    aggregates: Any
    outcomes: Any
    maintenance: Any

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self, field.name) for field in fields(self))


def jobs_of(stocks: Market, partitions: SessionPartitions) -> Jobs:
    """Return the jobs over the assets of `stocks`."""
    catalog = [SQL_CATALOG]
    marked = _keys(POSITION_MARKS, SIGNALS)
    reports = [AssetKey([stocks.venue.market, name]) for name in ("candidates_report", "ticker_reports")]
    return Jobs(
        reference_data=_whole(
            REFERENCE_DATA,
            _keys(*REFERENCE_TABLES),
            "Tickers, splits, dividends and renames as the vendor has them now, each with its history.",
        ),
        stocks_by_day=_by_session(
            STOCKS_BY_DAY,
            [_raw(stocks, "raw_day_aggs"), *_keys(*stocks.by_day), *marked, *reports, *_keys(ALERTS), *catalog],
            "One session, or a range of them, from the vendor's file to ranked candidates, sell signals and pages.",
            partitions,
        ),
        minutes_by_day=_by_session(
            MINUTES_BY_DAY,
            [_raw(stocks, "raw_minute_aggs"), *_keys(*MINUTE_TABLES), *catalog],
            "One session, or a range of them, from the vendor's minute file to intraday features of each ticker.",
            partitions,
        ),
        restated_signals=_by_session(
            RESTATED_SIGNALS,
            [*_keys(stocks.indicators, stocks.price_doubts, stocks.candidates), *marked],
            "The indicators whose bars, splits or code have changed since, and the lists and signals over them.",
            partitions,
            config={"ops": only_outdated(stocks)},
        ),
        aggregates=_by_session(
            "aggregates",
            [*_keys(AGGREGATES), *catalog],
            "Daily bars of CANDLELAKE_TICKERS from the REST API, as traded and on the vendor's split basis.",
            partitions,
        ),
        outcomes=_by_session(
            OUTCOMES,
            [*_keys(CANDIDATE_OUTCOMES, SESSION_SCORES, MODEL_SCORES), *catalog],
            "Outcomes of the candidates of a session, or a range of them, as far as the lake's bars reach.",
            partitions,
        ),
        maintenance=_whole(
            MAINTENANCE,
            [*(AssetKey(["operations", name]) for name in ("compacted_tables", "vacuumed_tables")), *catalog],
            "Compact the tables, drop the files that no version within the retention needs, write the SQL catalog.",
        ),
    )


def only_outdated(stocks: Market) -> dict[str, Any]:
    """Return the run configuration of the assets that can skip rows that are not outdated, by the name of their op."""
    return {"__".join(asset_key(stocks.indicators).path): {"config": {"only_outdated": True}}}


def steps_of(stocks: Market) -> tuple[tuple[str, tuple[tuple[Table, ...], ...]], ...]:
    """Return the jobs that make outdated tables again, each with the tables it makes together, after their inputs."""
    return (
        (MINUTES_BY_DAY, ((INTRADAY_FEATURES,),)),
        (
            RESTATED_SIGNALS,
            ((stocks.indicators,), (stocks.price_doubts,), (stocks.candidates,), (POSITION_MARKS, SIGNALS)),
        ),
        (OUTCOMES, ((CANDIDATE_OUTCOMES, SESSION_SCORES, MODEL_SCORES),)),
    )


def _keys(*tables: Table) -> list[AssetKey]:
    return [asset_key(table) for table in tables]


def _raw(market: Market, name: str) -> AssetKey:
    return AssetKey([market.venue.market, name])


def _whole(name: str, keys: Sequence[AssetKey], description: str) -> Any:
    return define_asset_job(
        name, selection=AssetSelection.assets(*keys), description=description, executor_def=in_process_executor
    )


def _by_session(
    name: str, keys: Sequence[AssetKey], description: str, partitions: SessionPartitions, config: Any = None
) -> Any:
    return define_asset_job(
        name,
        selection=AssetSelection.assets(*keys),
        description=description,
        config=config,
        # Explicit, or a schedule or a range loses the exchange's calendar and repeats a session on weekends.
        partitions_def=partitions,
        executor_def=in_process_executor,
    )
