"""The jobs: which assets run together, and under which name a person finds them."""

from dagster import (
    AssetSelection,
    define_asset_job,
    in_process_executor,
)

from pipeline.assets.aggregates import stock_aggregates
from pipeline.assets.alerts import alerts
from pipeline.assets.bars import cleaned_day_aggs
from pipeline.assets.minutes import cleaned_minute_aggs, raw_minute_aggs, stock_intraday_features
from pipeline.assets.operations import compacted_tables, sql_catalog, vacuumed_tables
from pipeline.assets.outcomes import model_scores, stock_outcomes
from pipeline.assets.portfolio import marked_positions
from pipeline.assets.raw import raw_day_aggs
from pipeline.assets.reference import (
    reference_dividends,
    reference_splits,
    reference_ticker_events,
    reference_tickers,
)
from pipeline.assets.reports import stock_reports
from pipeline.assets.signals import stock_candidates, stock_indicators
from pipeline.orchestration.partitions import (
    STOCK_SESSIONS,
)

stocks_by_day = define_asset_job(
    "stocks_by_day",
    selection=AssetSelection.assets(
        raw_day_aggs,
        cleaned_day_aggs,
        stock_indicators,
        stock_candidates,
        marked_positions,
        stock_reports,
        alerts,
        sql_catalog,
    ),
    description="One session, or a range of them, from the vendor's file to ranked candidates, sell signals and pages.",
    # Explicit, or the schedule loses the exchange's calendar and repeats a session on weekends.
    partitions_def=STOCK_SESSIONS,
    executor_def=in_process_executor,
)

reference_data = define_asset_job(
    "reference_data",
    selection=AssetSelection.assets(reference_tickers, reference_splits, reference_dividends, reference_ticker_events),
    description="Tickers, splits, dividends and renames as the vendor has them now, each with its history.",
    executor_def=in_process_executor,
)

minutes_by_day = define_asset_job(
    "minutes_by_day",
    selection=AssetSelection.assets(raw_minute_aggs, cleaned_minute_aggs, stock_intraday_features, sql_catalog),
    description="One session, or a range of them, from the vendor's minute file to intraday features of each ticker.",
    partitions_def=STOCK_SESSIONS,
    executor_def=in_process_executor,
)

outcomes = define_asset_job(
    "outcomes",
    selection=AssetSelection.assets(stock_outcomes, model_scores, sql_catalog),
    description="Outcomes of the candidates of a session, or a range of them, as far as the lake's bars reach.",
    partitions_def=STOCK_SESSIONS,
    executor_def=in_process_executor,
)

aggregates = define_asset_job(
    "aggregates",
    selection=AssetSelection.assets(stock_aggregates, sql_catalog),
    description="Daily bars of CANDLELAKE_TICKERS from the REST API, as traded and on the vendor's split basis.",
    partitions_def=STOCK_SESSIONS,
    executor_def=in_process_executor,
)

maintenance = define_asset_job(
    "maintenance",
    selection=AssetSelection.assets(compacted_tables, vacuumed_tables, sql_catalog),
    description="Compact the tables, drop the files that no version within the retention needs, write the SQL catalog.",
    executor_def=in_process_executor,
)

ONLY_OUTDATED = {stock_indicators.op.name: {"config": {"only_outdated": True}}}
"""Run configuration of the assets that can skip rows that are not outdated."""

restated_signals = define_asset_job(
    "restated_signals",
    selection=AssetSelection.assets(stock_indicators, stock_candidates, marked_positions),
    description="The indicators whose bars, splits or code have changed since, and the lists and signals over them.",
    config={"ops": ONLY_OUTDATED},
    # Explicit, or the range loses the exchange's calendar.
    partitions_def=STOCK_SESSIONS,
    executor_def=in_process_executor,
)
