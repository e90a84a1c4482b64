"""Doubts about prices in the synthetic market: the time they take, false alarms, and how many planted faults they find.

The market tells every split as it is, so that each doubt about it is a false alarm. Faults are planted into a copy, and
a fault is found if its ticker is in doubt within five sessions of its day; it is named if the kind is right as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from benchmarks.measuring import Comparison, Figures, Goal, taking_turns, timed
from benchmarks.options import Options
from benchmarks.planting import FAULTS, plant
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.reference import DIVIDENDS, SPLITS
from pipeline.market.prices.doubts import price_doubts
from pipeline.market.prices.point_in_time import NO_LISTINGS
from pipeline.sample.full_market import SEED, last_sessions
from pipeline.sample.news import NAMES
from pipeline.sample.prices import Day, Market
from pipeline.sample.reference import dividend_results, split_results
from pipeline.sample.universe import Universe, draw_universe

PLANTED = 0.2
"""Faults planted, as a share of the tickers."""

WITHIN = timedelta(days=7)

ALARMS = 1 / 20_000
"""Most false alarms a ticker-day."""

MISSED = 0.1
"""Largest share of the planted faults that are not found."""

LEFT_OUT = 0.003
"""Largest share of the tickers of a day that a false alarm keeps out of the lists."""


@dataclass(frozen=True)
class Invented:
    """The synthetic market in memory: bars as traded, splits and dividends as they are told, and its news."""

    sessions: tuple[date, ...]
    bars: pl.DataFrame
    splits: pl.DataFrame
    dividends: pl.DataFrame
    news: pl.DataFrame


def invented(tickers: int, sessions: Sequence[date], seed: int = SEED) -> Invented:
    """Return the market of `candlelake demo --full-market`, without its faulty rows."""
    universe = draw_universe(tickers, len(sessions), seed)
    trading, names = Market(universe, seed), pl.Series(universe.ticker, dtype=pl.String)
    days = [trading.trade(session) for session in sessions]
    bars = pl.concat([_bars(day, names) for day in days], rechunk=True).sort("ticker", "session")
    splits = [row for day in days for row in split_results(day, universe)]
    dividends = [row for day in days for row in dividend_results(day, universe)]
    told = (_reference(splits, SPLITS.columns), _reference(dividends, DIVIDENDS.columns))
    return Invented(tuple(sessions), bars, *told, pl.concat([_news(day, universe) for day in days]))


def doubts_of(market: Invented, bars: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Return all doubts of a market with these bars and splits."""
    first = market.sessions[0]
    return price_doubts(bars, splits, market.dividends, NO_LISTINGS, sessions=market.sessions, since=first)


def doubts(options: Options) -> list[Comparison]:
    """Measure all doubts of the market at once, against comparing every close with the one before."""
    market = invented(options.tickers, last_sessions(options.sessions))
    shares = recall(market, options)
    false: list[pl.DataFrame] = []

    def judge() -> Figures:
        taken = timed(lambda: false.append(doubts_of(market, market.bars, market.splits)))
        figures = alarms(market, false[-1])
        return (
            taken | {name: figures[name] for name in ("alarms_in_20000", "left_out")} | {"missed": 1 - shares["found"]}
        )

    floor, ours = "every close by the one before", "price doubts"
    rounds = taking_turns({floor: lambda: timed(lambda: _moves(market.bars)), ours: judge}, options.rounds)
    goals = [
        Goal(ours, 1.0, figure="alarms_in_20000"),
        Goal(ours, LEFT_OUT, figure="left_out"),
        Goal(ours, MISSED, figure="missed"),
        Goal(ours, 3.0, figure="cpu"),
    ]
    facts = alarms(market, false[-1]) | shares
    return [Comparison("Price doubts of the synthetic market", floor, rounds, goals, facts)]


def alarms(market: Invented, false: pl.DataFrame) -> dict[str, Any]:
    """Return how often a market without a fault is doubted, and whom it keeps out of the lists of the last session."""
    days = len(market.bars)
    out = false.filter(pl.col("leaves_out"))["ticker"].n_unique()
    last = market.bars.filter(pl.col("session") == market.sessions[-1])["ticker"].n_unique()
    return {
        "ticker-days": days,
        "honest jumps": dict(market.news.group_by("kind").len().sort("kind").iter_rows()),
        "false alarms": len(false),
        "false alarms by kind": dict(false.group_by("kind").len().sort("kind").iter_rows()),
        "alarms_in_20000": len(false) / days / ALARMS,
        "left_out": out / last,
    }


def recall(market: Invented, options: Options, seed: int = 1) -> dict[str, Any]:
    """Return the shares of planted faults that are found, and that are named."""
    planted = plant(market.bars, market.splits, max(int(PLANTED * options.tickers), len(FAULTS)), seed)
    doubted = doubts_of(market, planted.bars, planted.splits).select("ticker", "kind", at="session")
    near = planted.faults.join(doubted, on="ticker").filter((pl.col("at") - pl.col("session")).abs() <= WITHIN)
    kind = pl.col("fault").replace_strict(FAULTS)
    best = near.group_by("ticker").agg(found=pl.lit(value=True), named=(pl.col("kind") == kind).any())
    judged = planted.faults.join(best, on="ticker", how="left").with_columns(
        pl.col("found", "named").fill_null(value=False)
    )
    shares = judged.group_by("fault").agg(pl.len(), pl.col("found", "named").mean()).sort("fault")
    words = {fault: f"{found:.1%} of {count} ({named:.1%} named)" for fault, count, found, named in shares.iter_rows()}
    return {"planted": len(judged), "found": float(judged["found"].mean() or 0.0), "found by fault": words}


def _moves(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.select((pl.col("close") / pl.col("close").shift(1).over("ticker")).log().abs().max())


def _bars(day: Day, names: pl.Series) -> pl.DataFrame:
    numbers = {name: getattr(day, name) for name in ("open", "high", "low", "close", "volume", "transactions")}
    columns = {"ticker": names.gather(day.position), "session": pl.repeat(day.session, len(day.position), eager=True)}
    return pl.DataFrame({**columns, **numbers}, schema_overrides=DAILY_BARS.columns)


def _news(day: Day, universe: Universe) -> pl.DataFrame:
    named = [universe.ticker[place] for place in day.news.position.tolist()]
    kinds = [NAMES[number] for number in day.news.kind.tolist()]
    columns = {"ticker": named, "session": [day.session] * len(named), "kind": kinds}
    return pl.DataFrame(columns, schema={"ticker": pl.String, "session": pl.Date, "kind": pl.String})


def _reference(rows: list[dict[str, object]], columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """Return the vendor's answer in the columns of its table."""
    told = pl.DataFrame(rows, schema_overrides={"split_from": pl.Float64, "split_to": pl.Float64})
    dates = [pl.col(name).str.to_date() for name, dtype in columns.items() if name in told.columns and dtype == pl.Date]
    typed = told.with_columns(dates)
    missing = [pl.lit(None).alias(name) for name in columns if name not in told.columns]
    return typed.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in columns.items())
