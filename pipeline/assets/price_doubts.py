"""Doubts about prices: the bars of every session held against the vendor's splits and dividends."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from time import perf_counter

import polars as pl
from dagster import AssetExecutionContext, AssetIn, AssetsDefinition, MaterializeResult, ResourceParam, asset

from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS
from pipeline.lake.delta.commits import Reading
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.market.prices.doubts import LOOKBACK, price_doubts
from pipeline.market.securities.listings import listings
from pipeline.market.securities.reference import as_known
from pipeline.orchestration.partitions import ONE_RUN, look_back, sessions_of
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.table_metadata import asset_key, declared, record, stage, table_preview
from pipeline.progress import Progress
from pipeline.queries.doubts import in_words

CHUNK = 252
"""Sessions judged at a time. Each chunk reads its look-back again."""

REFERENCE = {"splits": SPLITS, "dividends": DIVIDENDS, "tickers": TICKERS, "ticker_events": TICKER_EVENTS}


def price_doubts_of(market: Market, partitions: SessionPartitions) -> AssetsDefinition:
    """Return the asset of the doubts about prices of `market`.

    Without reference data of its venue, every jump like that of a split is in doubt.
    """
    reference_tables = {name: table for name, table in REFERENCE.items() if market.owns(table)}

    @asset(
        **declared(market, market.price_doubts, group="signals", stage=stage("doubts")),
        ins={
            "daily_bars": AssetIn(asset_key(market.bars), partition_mapping=look_back(LOOKBACK)),
            **{name: AssetIn(asset_key(table)) for name, table in reference_tables.items()},
        },
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def stock_price_doubts(
        context: AssetExecutionContext,
        daily_bars: Reading,
        lake: ResourceParam[Lake],
        progress: ResourceParam[Progress],
        **reference: Reading,
    ) -> MaterializeResult:
        """Hold the prices of each session against its splits and dividends, and these against the prices."""
        begun = perf_counter()
        sessions = sessions_of(context.partition_keys)
        known = {
            name: reference[name].rows.collect() if name in reference else table.empty()
            for name, table in REFERENCE.items()
        }
        found: list[pl.DataFrame] = []
        chunks = progress.chunks("doubts", sessions, CHUNK)
        written = lake.replace(
            market.price_doubts,
            sessions,
            kept(doubt_chunks(market, daily_bars.rows, chunks, **known), found),
            run_id=context.run.run_id,
            read=[daily_bars, *reference.values()],
        )
        doubts = pl.concat(found)
        if words := in_words(doubts):
            context.log.warning(words)
            progress.warnings.append(words)
        metadata = record(context, market.price_doubts, written, per_session=by_session(doubts), begun=begun)
        return MaterializeResult(metadata=metadata)

    return stock_price_doubts


def doubt_chunks(  # noqa: PLR0913 (bars, and all that is known of their tickers)
    market: Market,
    bars: pl.LazyFrame,
    chunks: Iterable[Sequence[date]],
    *,
    splits: pl.DataFrame,
    dividends: pl.DataFrame,
    tickers: pl.DataFrame,
    ticker_events: pl.DataFrame,
) -> Iterator[pl.DataFrame]:
    """Yield the doubts of each chunk of sessions; `bars` reaches back as far as the first chunk needs."""
    listed = listings(tickers, ticker_events)
    for sessions in chunks:
        window = market.calendar.between(market.calendar.offset(sessions[0], 1 - LOOKBACK), sessions[-1])
        in_window = bars.filter(pl.col("session").is_between(window[0], window[-1])).collect()
        yield price_doubts(in_window, as_known(splits), as_known(dividends), listed, sessions=window, since=sessions[0])


def kept(pieces: Iterable[pl.DataFrame], found: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield `pieces`, and put each into `found`."""
    for piece in pieces:
        found.append(piece)
        yield piece


def by_session(doubts: pl.DataFrame) -> dict[date, dict[str, object]]:
    """Return, for each session at which doubts became known, a table of them."""
    shown = doubts.select("session", "ticker", "kind", "event_date", "reading", "evidence", "leaves_out")
    return {
        session: {"new_doubts": table_preview(rows.drop("session"))}
        for (session,), rows in shown.partition_by("session", as_dict=True).items()
    }
