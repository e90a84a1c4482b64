"""All doubts of a span of sessions, as rows of `stocks/price_doubts`. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.contracts.price_doubts import NOT_RANKED, PRICE_DOUBTS
from pipeline.market.prices.doubts.conflicts import with_conflict
from pipeline.market.prices.doubts.days import SMALLEST_JUMP, WINDOW, days, suspects
from pipeline.market.prices.doubts.dividends import dividend_doubts
from pipeline.market.prices.doubts.findings import FINDINGS, Finding
from pipeline.market.prices.doubts.neighbours import NEAR, with_neighbour
from pipeline.market.prices.doubts.ratios import RARE_SPLITS, SPLITS, with_nearest
from pipeline.market.prices.doubts.told import large_dividends, told_dividends, told_splits, with_told
from pipeline.market.prices.doubts.usual import with_usual
from pipeline.market.prices.doubts.verdicts import is_jump, with_verdict

LOOKBACK = WINDOW + NEAR + 1
"""Sessions that a row is computed from, its own included."""


def price_doubts(  # noqa: PLR0913 (a market's bars, what the vendor tells of them, and the days asked about)
    bars: pl.DataFrame,
    splits: pl.DataFrame,
    dividends: pl.DataFrame,
    listed: pl.DataFrame,
    *,
    sessions: Sequence[date],
    since: date,
) -> pl.DataFrame:
    """Return the doubts known at the close of each of `sessions` from `since` on, as rows of `stocks/price_doubts`.

    `bars` (rows of `stocks/daily_bars`, prices as traded) are those of `sessions`, the exchange's in order, from
    LOOKBACK − 1 before `since` on; older ones do not matter. `splits` and `dividends` are the rows of
    `reference/splits` and `reference/dividends` that hold; `listed` are listings. A row of a session follows from
    bars, splits and dividends up to that day only.

    A split with a `ruling` (confirmed, added or rejected; the column may be missing) is the user's word: it is never
    doubted, and a rejected one says that the prices of its day are right as they are.
    """
    wanted = bisect_left(sessions, since)
    first = max(wanted - NEAR, 0)
    told, paid = told_splits(splits), told_dividends(dividends)
    every_day = days(bars, sessions, max(first - WINDOW, 0))
    events = pl.concat([told.select("ticker", "date"), large_dividends(paid, every_day).select("ticker", "date")])
    chosen = with_usual(suspects(every_day, events, listed, first), every_day)
    judged = with_verdict(_with_ratios(with_told(chosen, told, paid)))
    explained = with_conflict(with_neighbour(judged), told).filter(pl.col("place") >= wanted)
    numbers = explained.with_columns(volume_ratio=_volume_ratio())
    found = [_rows(numbers, finding) for finding in FINDINGS]
    doubts = pl.concat([*found, dividend_doubts(dividends, sessions, since)], how="diagonal_relaxed")
    return _in_contract(_without_ruled(doubts, told))


def _with_ratios(told: pl.DataFrame) -> pl.DataFrame:
    """Return the days with the ratios that the price moved by where it jumps, told splits included."""
    total = told.filter(is_jump(SMALLEST_JUMP, 1.0)).select(
        "day", "noise", *(pl.col(name) + pl.col("told_move") for name in ("moved_open", "moved_close"))
    )
    near = with_nearest(with_nearest(total, SPLITS, "near"), RARE_SPLITS, "rare")
    return told.join(near.drop("noise", "moved_open", "moved_close"), on="day", how="left", maintain_order="left")


def _volume_ratio() -> pl.Expr:
    ratio = pl.col("volume") / pl.col("usual_volume")
    return pl.when(ratio.is_finite()).then(ratio)


def _rows(explained: pl.DataFrame, finding: Finding) -> pl.DataFrame:
    """Return the doubts of one kind."""
    its_own = ("ticker", "session", "previous_session", "previous_close", "open", "close", "volume_ratio", "usual_move")
    price_ratio = pl.col("open") / pl.col("previous_close")
    columns = {"price_ratio": price_ratio, **finding.columns, "event_date": finding.event_date}
    words = {"evidence": finding.evidence, "reading": finding.reading}
    return explained.filter(finding.when).select(*its_own, kind=pl.lit(finding.kind), **columns, **words)


def _without_ruled(doubts: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Return the doubts about days and splits that the user has not ruled on."""
    ruled = told.filter(pl.col("ruling").is_not_null()).select("ticker", "date").unique()
    for day in ("event_date", "told_date"):
        doubts = doubts.join(ruled, left_on=["ticker", day], right_on=["ticker", "date"], how="anti")
    return doubts


def _in_contract(doubts: pl.DataFrame) -> pl.DataFrame:
    """Return the doubts in the columns of the table, one for each key, sorted."""
    names = list(PRICE_DOUBTS.columns)
    missing = [pl.lit(None).alias(name) for name in names if name not in doubts.columns]
    whole = doubts.with_columns(missing).with_columns(leaves_out=pl.col("kind").is_in(NOT_RANKED))
    typed = whole.select(pl.col(name).cast(dtype) for name, dtype in PRICE_DOUBTS.columns.items())
    return typed.unique(PRICE_DOUBTS.key, keep="first", maintain_order=True).sort(PRICE_DOUBTS.key)
