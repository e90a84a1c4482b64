"""The third stage: indicators of every bar, doubts about prices, and the ranked candidates of every session."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from time import perf_counter
from typing import Any

import polars as pl
from dagster import AssetExecutionContext, AssetIn, AssetsDefinition, Config, MaterializeResult, ResourceParam, asset
from pydantic import Field

from pipeline.assets.price_doubts import price_doubts_of
from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.contracts.reference import SPLITS, TICKER_EVENTS, TICKERS
from pipeline.lake.delta.commits import Reading, total_written
from pipeline.lake.delta.layout import stretches
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.market.outdated_ranges import with_recomputed
from pipeline.market.prices.point_in_time import point_in_time_indicators
from pipeline.market.screen.known import Known, with_known, with_minutes
from pipeline.market.screen.rank import candidates, columns_needed
from pipeline.market.securities.listings import listings
from pipeline.market.securities.own_bars import sources_of
from pipeline.market.securities.reference import applicable_splits
from pipeline.orchestration.comparison import stored_lists, with_list_changes
from pipeline.orchestration.partitions import ONE_RUN, look_back, sessions_of
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.table_metadata import asset_key, declared, record, stage, table_preview
from pipeline.progress import Progress
from pipeline.queries.doubts import known_doubts, unchecked_warnings
from pipeline.queries.minute_features import features_for, missing_minutes_warnings
from pipeline.queries.outdated import outdated_sessions
from pipeline.queries.undeclared import undeclared_columns

INDICATOR_CHUNK = 252
"""Sessions computed at a time. Each chunk reads its look-back again: short ones repeat work, long ones need memory."""

MOST_IN_A_COMMIT = 1_300
"""Sessions, a little more than five years: the writer keeps compressed rows in memory until it commits."""

CANDIDATE_CHUNK = 126

REFERENCE = {"splits": SPLITS, "tickers": TICKERS, "ticker_events": TICKER_EVENTS}
"""Reference data of both stages: every row of the tables, as they are now."""


class Recomputation(Config):
    """Which rows of the sessions to compute."""

    only_outdated: bool = Field(
        default=False,
        description="Only the rows whose bars or splits have changed since, and the sessions that other code computed.",
    )


def signals_of(market: Market, partitions: SessionPartitions) -> tuple[AssetsDefinition, ...]:
    """Return the assets of indicators, doubts about prices, and ranked lists of `market`.

    Without reference data of its venue, nothing splits and every ticker is a security of unknown type.
    """
    reference_tables = {name: table for name, table in REFERENCE.items() if market.owns(table)}
    reference = {name: AssetIn(asset_key(table)) for name, table in reference_tables.items()}

    @asset(
        **declared(market, market.indicators, group="signals", stage=stage("indicators")),
        ins={"daily_bars": AssetIn(asset_key(market.bars), partition_mapping=look_back(market.lookback)), **reference},
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def stock_indicators(
        context: AssetExecutionContext,
        config: Recomputation,
        daily_bars: Reading,
        lake: ResourceParam[Lake],
        progress: ResourceParam[Progress],
        **reference: Reading,
    ) -> MaterializeResult:
        """Compute every indicator of the sessions from their bars and the look-back, each session on its own basis."""
        begun = perf_counter()
        sessions = sessions_of(context.partition_keys)
        splits, tickers, events = (rows_of(reference, name) for name in REFERENCE)
        known = {"splits": applicable_splits(splits), "listed": listings(tickers, events)}
        outdated = (
            outdated_sessions(lake, market, [market.indicators]).within(sessions[0], sessions[-1])
            if config.only_outdated
            else None
        )
        if gone := undeclared_columns(lake, market):
            warning = f"Nothing declares {', '.join(gone)} any more: sessions that run now lose these columns' values."
            context.log.warning(warning)
            progress.warnings.append(warning)
        readings = [daily_bars, *reference.values()]
        written = []
        for stretch in stretches(market.indicators, sessions, MOST_IN_A_COMMIT):
            chunks = progress.chunks("indicators", stretch, INDICATOR_CHUNK)
            if outdated is None:
                rows = indicator_chunks(market, daily_bars.rows, chunks, **known)
            else:
                rows = outdated_chunks(lake, market, daily_bars.rows, chunks, outdated, **known)
            written.append(lake.replace(market.indicators, stretch, rows, run_id=context.run.run_id, read=readings))
        return MaterializeResult(metadata=record(context, market.indicators, total_written(written), begun=begun))

    @asset(
        **declared(market, market.candidates, group="signals", stage=stage("candidates")),
        ins={
            "daily_bars": AssetIn(asset_key(market.bars)),
            "stock_indicators": AssetIn(asset_key(market.indicators)),
            "price_doubts": AssetIn(asset_key(market.price_doubts), partition_mapping=look_back(market.lookback)),
            **reference,
        },
        # Shown if a model uses it; a run of the daily job neither writes it nor waits for it.
        deps=[asset_key(INTRADAY_FEATURES)] if any(model.needs_minutes for model in market.models) else [],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def stock_candidates(  # noqa: PLR0913, PLR0917 (a reading for each table)
        context: AssetExecutionContext,
        daily_bars: Reading,
        stock_indicators: Reading,
        price_doubts: Reading,
        lake: ResourceParam[Lake],
        progress: ResourceParam[Progress],
        **reference: Reading,
    ) -> MaterializeResult:
        """Rank the stocks of each session by every model."""
        begun = perf_counter()
        sessions = sessions_of(context.partition_keys)
        day = daily_bars.rows.join(stock_indicators.rows, on=["ticker", "session"])
        features = features_for(lake, sessions, market.models) if market.owns(INTRADAY_FEATURES) else []
        for reading in features:
            day = with_minutes(day, reading.rows)
        unchecked = unchecked_warnings(lake, market, sessions[0])
        for warning in (*missing_minutes_warnings(features, sessions, market.models), *unchecked):
            context.log.warning(warning)
            progress.warnings.append(warning)
        splits, tickers, events = (rows_of(reference, name) for name in REFERENCE)
        known = Known(listings(tickers, events), splits, known_doubts(price_doubts))
        rows = candidate_chunks(market, day, known, sessions, progress)
        readings = [daily_bars, stock_indicators, price_doubts, *reference.values(), *features]
        before = stored_lists(lake, market.candidates, sessions)
        written = lake.replace(market.candidates, sessions, rows, run_id=context.run.run_id, read=readings)
        shown = lists_in_numbers(lake.scan(market.candidates, sessions[0], sessions[-1]), newest=sessions[-1])
        shown = with_list_changes(shown, before, stored_lists(lake, market.candidates, sessions), progress)
        return MaterializeResult(metadata=record(context, market.candidates, written, per_session=shown, begun=begun))

    return stock_indicators, price_doubts_of(market, partitions), stock_candidates


def rows_of(reference: Mapping[str, Reading], name: str) -> pl.DataFrame:
    """Return the rows of a table of reference data; none where the market has no such table."""
    return reference[name].rows.collect() if name in reference else REFERENCE[name].empty()


def indicator_chunks(
    market: Market, bars: pl.LazyFrame, chunks: Iterable[Sequence[date]], *, splits: pl.DataFrame, listed: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """Yield the indicators of each chunk of sessions; `bars` reaches back as far as the first chunk needs."""
    for sessions in chunks:
        window = market.window(sessions)
        in_window = bars.filter(pl.col("session").is_between(window[0], window[-1])).collect()
        yield point_in_time_indicators(
            in_window,
            splits,
            window,
            since=sessions[0],
            listed=listed,
            declared=market.declarations.indicators,
            lookback=market.lookback,
        )


def outdated_chunks(  # noqa: PLR0913 (those above, and the outdated ranges)
    lake: Lake,
    market: Market,
    bars: pl.LazyFrame,
    chunks: Iterable[Sequence[date]],
    outdated: pl.DataFrame,
    *,
    splits: pl.DataFrame,
    listed: pl.DataFrame,
) -> Iterator[pl.DataFrame]:
    """Yield the stored indicators of each chunk, with the `outdated` ranges computed again."""
    for sessions in chunks:
        due = outdated.filter(pl.col("first_session") <= sessions[-1], pl.col("last_session") >= sessions[0])
        stored = lake.scan(market.indicators, sessions[0], sessions[-1]).collect()
        of_due = bars.filter(_is_of(due, listed))
        (computed,) = indicator_chunks(market, of_due, [sessions], splits=splits, listed=listed)
        yield with_recomputed(stored, computed, due)


def _is_of(outdated: pl.DataFrame, listed: pl.DataFrame) -> pl.Expr:
    """Return whether a bar is in windows of the outdated tickers; a null ticker in `outdated` means all tickers."""
    tickers = outdated["ticker"].unique()
    if tickers.null_count():
        return pl.lit(value=True)
    return pl.col("ticker").is_in(sources_of(tickers, listed).implode())


def candidate_chunks(
    market: Market, day: pl.LazyFrame, known: Known, sessions: Sequence[date], progress: Progress
) -> Iterator[pl.DataFrame]:
    """Yield the candidates of `sessions` in bounded chunks; `day` has the models' columns for all of them."""
    needed = pl.col([name for name in day.collect_schema().names() if name in columns_needed(market.models)])
    day = day.select(needed)
    for chunk in progress.chunks("candidates", sessions, CANDIDATE_CHUNK):
        rows = day.filter(pl.col("session").is_between(chunk[0], chunk[-1])).collect()
        yield candidates(with_known(rows, known, market.window(chunk), market.lookback), market.models)


def lists_in_numbers(listed: pl.LazyFrame, newest: date) -> dict[date, dict[str, Any]]:
    """Return numbers to plot of each session's lists, and for the newest session a table of its best candidates.

    Per session: the tickers scanned; per model: how many passed, how many are listed, the best score.
    """
    counts = listed.group_by("session", "model").agg(
        pl.col("scanned", "passed").first(), candidates=pl.len(), best_score=pl.col("score").max()
    )
    shown: dict[date, dict[str, Any]] = {}
    for row in counts.sort("session", "model").collect().iter_rows(named=True):
        session, model, scanned = (row.pop(name) for name in ("session", "model", "scanned"))
        of_session = shown.setdefault(session, {"scanned": scanned})
        of_session.update({f"{name}_{model}": number for name, number in row.items()})
    if newest in shown:
        shown[newest]["candidates"] = table_preview(best_first(listed, newest))
    return shown


def best_first(listed: pl.LazyFrame, session: date) -> pl.DataFrame:
    """Return the best five of each model as a flat frame for display, each with its strongest reason."""
    best = listed.filter(pl.col("session") == session, pl.col("rank") <= 5).sort("model", "rank").collect()
    return best.select("model", "rank", "ticker", "score", "close", reason=pl.col("reasons").list.first())
