"""Indicators of each session on that session's own price basis: a later split never rewrites them. Pure.

All bars are put on the basis of the last session, and their indicators are computed once. That is right for every row
without a later split of its ticker. Rows before a split are computed once more, from the ticker's bars up to the split,
on the basis of that time. So are rows whose window reaches into the time of another security under the same ticker:
without its bars. Every value comes from the same arithmetic as when its session is computed alone: nothing is scaled
afterwards, which would break ties such as a close equal to the one four bars before.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

import numpy as np
import polars as pl

from pipeline.contracts.reference import SETTLED
from pipeline.market.indicators import Indicator, indicators
from pipeline.market.prices.adjust import on_basis_of, split_events
from pipeline.market.securities.listings import LISTING, successions

NO_LISTINGS = pl.DataFrame(schema=LISTING)
DAY = timedelta(days=1)

STRETCH = ("ticker", "begin", "end", "own_from", "stretch")


def point_in_time_indicators(  # noqa: PLR0913 (those of `indicators`, and what happened to the tickers)
    bars: pl.DataFrame,
    splits: pl.DataFrame,
    sessions: Sequence[date],
    since: date,
    *,
    declared: Sequence[Indicator],
    lookback: int,
    listed: pl.DataFrame = NO_LISTINGS,
) -> pl.DataFrame:
    """Return the indicators of every bar from the session `since` on, as `indicators` does, split-adjusted.

    Prices in a bar's window are on the basis of the bar's own session, volumes inversely: splits executed inside the
    window are applied, later ones are not. `bars` are as traded; `splits` (ticker, execution_date, split_from,
    split_to) may reach beyond the sessions, those after the last one do not matter. Where two securities with known
    FIGIs follow each other under a ticker (`listed` are listings), bars of the former are not in windows of the latter.
    The other arguments, and the errors, are those of `indicators`; a declared expression must not depend on the text
    of the ticker.
    """
    in_time = splits.filter(pl.col("execution_date") <= sessions[-1])
    apart = _stretches(in_time, listed, sessions, since)
    compute = partial(indicators, sessions=sessions, since=since, declared=declared, lookback=lookback)
    # Frames are passed on without a name: each is large, and is freed as soon as it has been used.
    better = _wanted(compute(_on_own_basis(_copies(bars, apart, sessions, lookback), in_time, apart)), apart)
    return _with_rows(compute(on_basis_of(date.max, bars, split_events(in_time))), better)


def splits_in_doubt(splits: pl.DataFrame) -> pl.DataFrame:
    """Return ticker and execution_date of the rows of `reference/splits` that hold now and are not applied.

    Repeats of another split, those that the user ruled on, and splits without a date are left out.
    """
    doubtful = splits.filter(pl.col("withdrawn_at").is_null(), ~pl.col("doubt").is_in(SETTLED))
    return doubtful.select("ticker", "execution_date").drop_nulls().unique()


def in_doubt(rows: pl.DataFrame, doubtful: pl.DataFrame, sessions: Sequence[date], lookback: int) -> pl.Series:
    """Return, for each of `rows` (ticker, session), whether one of the `doubtful` splits falls inside its window.

    A window is the `lookback` sessions up to the row's; a split before its first session opened changes nothing in it.
    `sessions` are the exchange's, in order, from `lookback` − 1 before the first row on.
    """
    first = pl.Series(sessions, dtype=pl.Date).search_sorted(doubtful["execution_date"], side="left")
    calendar = pl.DataFrame({"session": sessions}, schema={"session": pl.Date}).with_row_index("place")
    spans = doubtful.select("ticker", first=first.cast(pl.Int64)).with_columns(last=pl.col("first") + lookback - 2)
    affected = (
        rows.select("ticker", "session", row=pl.int_range(pl.len()))
        .join(spans, on="ticker")
        .join(calendar, on="session")
        .filter(pl.col("place").is_between("first", "last"))
    )
    return pl.select(pl.int_range(len(rows)).is_in(affected["row"].unique().implode())).to_series()


def _stretches(splits: pl.DataFrame, listed: pl.DataFrame, sessions: Sequence[date], since: date) -> pl.DataFrame:
    """Return the spans of days, ticker by ticker, whose rows must be computed apart, as STRETCH.

    Within a stretch the ticker neither splits nor passes to another security. `begin` is included, `end` not.
    `own_from` is the first day whose bars count, null when all count. `stretch` is its name, used in place of a ticker.
    """
    after = sessions[-1] + DAY
    changes = successions(listed).filter(pl.col("first_day").is_between(sessions[0], sessions[-1]))
    own = changes.select("ticker", begin="first_day", own_from=pl.col("foreign_until") + pl.duration(days=1))
    cuts = pl.concat([splits.select("ticker", begin="execution_date"), own.select("ticker", "begin")])
    inside = cuts.filter(pl.col("begin") > since)
    tickers = pl.concat([inside.select("ticker"), own.select("ticker")]).unique()
    begins = pl.concat([inside, tickers.select("ticker", begin=pl.lit(since))]).unique().sort("ticker", "begin")
    ends = begins.with_columns(end=pl.col("begin").shift(-1).over("ticker").fill_null(after))
    # Polars cannot look at the order within tickers, and warns; both sides are sorted by day.
    owned = ends.sort("begin").join_asof(own.sort("begin"), on="begin", by="ticker", check_sortedness=False)
    apart = owned.filter((pl.col("end") < after) | pl.col("own_from").is_not_null()).sort("ticker", "begin")
    return apart.with_columns(stretch=pl.int_range(pl.len()).cast(pl.String).str.zfill(9)).select(STRETCH)


def _copies(bars: pl.DataFrame, apart: pl.DataFrame, sessions: Sequence[date], lookback: int) -> pl.DataFrame:
    """Return the bars in the windows of each stretch, with the stretch's name as ticker."""
    calendar = pl.Series(sessions, dtype=pl.Date)
    earliest = calendar.search_sorted(apart["begin"], side="left").cast(pl.Int64) - (lookback - 1)
    reached = apart.with_columns(reach=calendar.gather(earliest.clip(0)))
    return (
        bars.lazy()
        .join(reached.lazy(), on="ticker")
        .filter(pl.col("session") >= pl.max_horizontal("reach", "own_from"), pl.col("session") < pl.col("end"))
        .with_columns(ticker="stretch")
        .select(bars.columns)
        .collect()
    )


def _on_own_basis(copies: pl.DataFrame, splits: pl.DataFrame, apart: pl.DataFrame) -> pl.DataFrame:
    """Return the bars of each stretch on the basis of the splits known in it."""
    applied = splits.join(apart, on="ticker").filter(pl.col("execution_date") < pl.col("end"))
    return on_basis_of(date.max, copies, split_events(applied.with_columns(ticker="stretch")))


def _wanted(computed: pl.DataFrame, apart: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of each stretch's own days under their real ticker, by ticker and session."""
    with_ticker = computed.rename({"ticker": "stretch"}).join(apart, on="stretch")
    within = with_ticker.filter(pl.col("session") >= pl.col("begin"))
    return within.sort("ticker", "session").select(computed.columns)


def _with_rows(rows: pl.DataFrame, better: pl.DataFrame) -> pl.DataFrame:
    """Return `rows`, replaced by the rows of `better` with the same ticker and session."""
    if better.is_empty():
        return rows
    keys = ["ticker", "session"]
    numbered = rows.select(*keys, row=pl.int_range(pl.len()))
    replaced = better.select(keys).join(numbered, on=keys, maintain_order="left")["row"]
    place = np.arange(len(rows))
    place[replaced.to_numpy()] = len(rows) + np.arange(len(better))
    order = pl.Series(place)
    columns = rows.get_columns()
    del rows, numbered
    for k, other in enumerate(better.get_columns()):
        columns[k] = pl.concat([columns[k], other]).gather(order)
    return pl.DataFrame(columns)
