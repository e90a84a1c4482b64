"""Outcomes of the candidates, and scores of lists and models. Only these assets look ahead.

The outcomes of a session need the bars of the 60 sessions after it. They are read from the lake as far as it goes, not
through partitions, so that a session can be run again until they are all there. Nothing that ranks may read these
tables.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from dagster import (
    AssetExecutionContext,
    AssetOut,
    AssetsDefinition,
    MaterializeResult,
    ResourceParam,
    asset,
    multi_asset,
)

from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES, LONGEST, MODEL_SCORES, SESSION_SCORES
from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS
from pipeline.lake.delta.commits import Reading
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.market.scorekeeping.days_in_doubt import days_in_doubt
from pipeline.market.scorekeeping.evaluation import monthly_scores, session_scores
from pipeline.market.scorekeeping.outcomes import PAIR, aftermath, candidate_outcomes, forward_returns
from pipeline.market.screen.known import Known, with_known, with_minutes
from pipeline.market.screen.rank import scores
from pipeline.market.securities.listings import listings
from pipeline.market.securities.reference import applicable_dividends, applicable_splits
from pipeline.orchestration.partitions import ONE_RUN, sessions_of
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.table_metadata import asset_key, declared, record, stage, table_preview
from pipeline.progress import Progress
from pipeline.queries.doubts import known_doubts
from pipeline.queries.minute_features import features_for

OUTCOME_CHUNK = 63
"""Sessions computed at a time. Each chunk also reads the 60 sessions after it."""

LISTS = ["model", "session", "ticker"]


@dataclass(frozen=True)
class Hindsight:
    """The lake's lists of some sessions, and its data on the sessions after them."""

    bars: Reading
    indicators: Reading
    candidates: Reading
    """From the session before the first on: a list is compared with the one before it."""
    price_doubts: Reading
    """From the first session of the look-back to the last that an outcome reaches."""
    tickers: Reading
    ticker_events: Reading
    splits: Reading
    dividends: Reading
    features: list[Reading]
    """Features of the sessions' minutes; empty when no model uses them."""

    @classmethod
    def of(cls, lake: Lake, market: Market, sessions: Sequence[date]) -> "Hindsight":
        """Return the present data of `lake`; a table of reference data that was never written counts as empty."""
        first, last = sessions[0], sessions[-1]
        return cls(
            bars=lake.read(market.bars, first, market.calendar.offset(last, LONGEST)),
            indicators=lake.read(market.indicators, first, last),
            candidates=lake.read(market.candidates, market.calendar.offset(first, -1), last),
            price_doubts=lake.read(
                market.price_doubts, market.window(sessions)[0], market.calendar.offset(last, LONGEST)
            ),
            tickers=lake.read(TICKERS),
            ticker_events=lake.read(TICKER_EVENTS),
            splits=lake.read(SPLITS),
            dividends=lake.read(DIVIDENDS),
            features=features_for(lake, sessions, market.models),
        )

    @property
    def readings(self) -> list[Reading]:
        """Return all readings."""
        return [self.bars, self.indicators, self.candidates, self.price_doubts, *self.features, *self.reference]

    @property
    def reference(self) -> list[Reading]:
        """Return the readings of reference data."""
        return [self.tickers, self.ticker_events, self.splits, self.dividends]


def outcomes_of(market: Market, partitions: SessionPartitions) -> tuple[AssetsDefinition, AssetsDefinition]:
    """Return the assets of outcomes and model scores of `market`."""

    @multi_asset(
        name="stock_outcomes",
        outs={
            table.name: AssetOut(**declared(market, table, group="signals", stage=stage("outcomes")))
            for table in (CANDIDATE_OUTCOMES, SESSION_SCORES)
        },
        deps=[
            asset_key(table)
            for table in (
                *(market.bars, market.indicators, market.price_doubts, market.candidates),
                *(TICKERS, TICKER_EVENTS, SPLITS, DIVIDENDS),
            )
        ],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def stock_outcomes(
        context: AssetExecutionContext, lake: ResourceParam[Lake], progress: ResourceParam[Progress]
    ) -> Iterator[MaterializeResult]:
        """Compute the outcomes of the sessions' lists, as far as the lake goes."""
        sessions = sessions_of(context.partition_keys)
        hindsight = Hindsight.of(lake, market, sessions)
        for warning in (*missing_events(hindsight), *undeclared_lists(market, hindsight.candidates.rows)):
            context.log.warning(warning)
            progress.warnings.append(warning)

        scored: list[pl.DataFrame] = []

        def outcomes() -> Iterator[pl.DataFrame]:
            for rows, of_lists in outcome_chunks(market, hindsight, sessions, progress):
                scored.append(of_lists)
                yield rows

        run_id = context.run.run_id
        written = lake.replace(CANDIDATE_OUTCOMES, sessions, outcomes(), run_id=run_id, read=hindsight.readings)
        yield MaterializeResult(
            asset_key=asset_key(CANDIDATE_OUTCOMES), metadata=record(context, CANDIDATE_OUTCOMES, written)
        )
        written = lake.replace(SESSION_SCORES, sessions, scored, run_id=run_id, read=hindsight.readings)
        yield MaterializeResult(asset_key=asset_key(SESSION_SCORES), metadata=record(context, SESSION_SCORES, written))

    @asset(**declared(market, MODEL_SCORES, group="signals", stage=stage("scores")), deps=[asset_key(SESSION_SCORES)])
    def model_scores(context: AssetExecutionContext, lake: ResourceParam[Lake]) -> MaterializeResult:
        """Sum up the scores of all lists by model and month."""
        scored = lake.read(SESSION_SCORES)
        rows = monthly_scores(scored.rows.collect(), market.calendar.sessions)
        written = lake.refresh(MODEL_SCORES, rows, run_id=context.run.run_id, read=[scored])
        newest = rows.filter(pl.col("month") == pl.col("month").max())
        shown = newest.select("model", "month", "horizon", "hit_rate", "mean_excess", "mean_ic", "sessions")
        return MaterializeResult(
            metadata={**record(context, MODEL_SCORES, written), "newest_month": table_preview(shown)}
        )

    return stock_outcomes, model_scores


def outcome_chunks(
    market: Market, hindsight: Hindsight, sessions: Sequence[date], progress: Progress
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the outcomes of the candidates of `sessions`, and the scores of their lists, in bounded chunks."""
    tickers, events, split_history, dividend_history = (reading.rows.collect() for reading in hindsight.reference)
    listed = listings(tickers, events)
    known = Known(listed, split_history, known_doubts(hindsight.price_doubts))
    events_of_prices = (
        applicable_splits(split_history),
        applicable_dividends(dividend_history),
        days_in_doubt(split_history, known.doubts),
    )
    for chunk in progress.chunks("outcomes", sessions, OUTCOME_CHUNK):
        every = market.calendar
        calendar = every.between(every.offset(chunk[0], -1), every.offset(chunk[-1], LONGEST))
        in_chunk = pl.col("session").is_between(chunk[0], chunk[-1])
        bars = hindsight.bars.rows.filter(pl.col("session").is_between(chunk[0], calendar[-1])).collect()
        lists = hindsight.candidates.rows.filter(pl.col("session").is_between(calendar[0], chunk[-1])).collect()
        ranked = hindsight.indicators.rows.filter(in_chunk).join(bars.lazy(), on=["ticker", "session"])
        for reading in hindsight.features:
            ranked = with_minutes(ranked, reading.rows)
        day = ranked.collect()

        after = aftermath(bars, *events_of_prices, listed, calendar)
        # Scored as they were ranked: a list is compared with the tickers it was drawn from.
        scored = scores(with_known(day, known, market.window(chunk), market.lookback), market.models)
        candidates = lists.filter(in_chunk)
        returns = forward_returns(pl.concat([scored.select(PAIR), candidates.select(PAIR)]).unique(), after)
        outcomes = candidate_outcomes(candidates, scored, returns, after)
        yield outcomes, session_scores(outcomes, scored, returns, after, lists.select(LISTS))


def missing_events(hindsight: Hindsight) -> list[str]:
    """Return a warning for each table of splits or dividends that was never written."""
    return [
        f"{reading.table.sql_name} was never fetched, so returns are computed as if there were none; "
        "run the job `reference_data`, then this again."
        for reading in (hindsight.splits, hindsight.dividends)
        if reading.version is None
    ]


def undeclared_lists(market: Market, candidates: pl.LazyFrame) -> list[str]:
    """Return a warning for each model version that has lists and is no longer declared."""
    current = {model.name: model.version for model in market.models}
    versions = candidates.select("model", "model_version").unique().sort("model", "model_version").collect()
    return [
        f"Lists of {model} version {version} are compared with no universe: the model is "
        + (f"version {current[model]} now. Run their sessions again." if model in current else "no longer declared.")
        for model, version in versions.iter_rows()
        if current.get(model) != version
    ]
