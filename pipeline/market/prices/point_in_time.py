"""Indicators of each session on that session's own price basis: a later split never rewrites them. Pure.

All bars are put on the basis of the last session, and their indicators are computed once. That is right for every row
without a later split of its ticker. Rows before a split are computed once more, from the ticker's bars up to the split,
on the basis of that time. So are rows whose window reaches into the time of another security under the same ticker,
without its bars; and rows of a renamed security, with its bars from under its former tickers. Every value comes from
the same arithmetic as when its session is computed alone: nothing is scaled afterwards, which would break ties such as
a close equal to the one four bars before.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

import numpy as np
import polars as pl

from pipeline.contracts.reference import SETTLED
from pipeline.market.indicators import Indicator, indicators
from pipeline.market.prices.adjust import on_basis_of, split_events
from pipeline.market.securities.listings import NO_LISTINGS
from pipeline.market.securities.own_bars import own_spans

DAY = timedelta(days=1)

STRETCH = ("ticker", "begin", "end", "owned_from", "stretch")


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
    split_to) may reach beyond the sessions, those after the last one do not matter. `listed` are listings: where two
    securities with known FIGIs follow each other under a ticker, bars of the former are not in windows of the latter;
    from the day of a rename on, windows hold the bars and splits of the security under its former tickers, as far as
    `bars` and `splits` have those tickers.
    The other arguments, and the errors, are those of `indicators`; a declared expression must not depend on the text
    of the ticker.
    """
    in_time = splits.filter(pl.col("execution_date") <= sessions[-1])
    spans = own_spans(listed)
    apart = _stretches(in_time, spans, sessions, since)
    sources = _sources(apart, spans)
    compute = partial(indicators, sessions=sessions, since=since, declared=declared, lookback=lookback)
    # Frames are passed on without a name: each is large, and is freed as soon as it has been used.
    better = _wanted(compute(_on_own_basis(_copies(bars, sources, sessions, lookback), in_time, sources)), apart)
    return _with_rows(compute(on_basis_of(date.max, bars, split_events(in_time))), better)


def splits_in_doubt(splits: pl.DataFrame) -> pl.DataFrame:
    """Return ticker and execution_date of the rows of `reference/splits` that hold now and are not applied.

    Repeats of another split, those that the user ruled on, and splits without a date are left out.
    """
    doubtful = splits.filter(pl.col("withdrawn_at").is_null(), ~pl.col("doubt").is_in(SETTLED))
    return doubtful.select("ticker", "execution_date").drop_nulls().unique()


def is_before_taken() -> pl.Expr:
    """Return whether the session is before the day `taken_on`, from which another security has the ticker."""
    return (pl.col("session") < pl.col("taken_on")).fill_null(value=True)


def in_doubt(rows: pl.DataFrame, doubtful: pl.DataFrame, sessions: Sequence[date], lookback: int) -> pl.Series:
    """Return, for each of `rows` (ticker, session), whether one of the `doubtful` splits falls inside its window.

    A window is the `lookback` sessions up to the row's; a split before its first session opened changes nothing in it.
    `doubtful`: ticker, execution_date, and `taken_on` of `own_bars.with_owners`. `sessions` are the exchange's, in
    order, from `lookback` − 1 before the first row on.
    """
    first = pl.Series(sessions, dtype=pl.Date).search_sorted(doubtful["execution_date"], side="left")
    calendar = pl.DataFrame({"session": sessions}, schema={"session": pl.Date}).with_row_index("place")
    begin = doubtful.select("ticker", "taken_on", first=first.cast(pl.Int64))
    spans = begin.with_columns(last=pl.col("first") + lookback - 2)
    affected = (
        rows.select("ticker", "session", row=pl.int_range(pl.len()))
        .join(spans, on="ticker")
        .join(calendar, on="session")
        .filter(pl.col("place").is_between("first", "last"), is_before_taken())
    )
    return pl.select(pl.int_range(len(rows)).is_in(affected["row"].unique().implode())).to_series()


def _stretches(splits: pl.DataFrame, spans: pl.DataFrame, sessions: Sequence[date], since: date) -> pl.DataFrame:
    """Return the spans of days, ticker by ticker, whose rows must be computed apart, as STRETCH.

    Within a stretch the ticker neither splits nor passes to another security. `begin` is included, `end` not.
    `owned_from` is the first day of the own `spans` that say which bars count, null when all of the ticker count.
    `stretch` is its name, used in place of a ticker.
    """
    after = sessions[-1] + DAY
    changes = spans.select("ticker", begin="first_day").unique()
    changes = changes.filter(pl.col("begin").is_between(sessions[0], sessions[-1]))
    cuts = pl.concat([splits.select("ticker", begin="execution_date"), changes])
    inside = cuts.filter(pl.col("begin") > since)
    tickers = pl.concat([inside.select("ticker"), changes.select("ticker")]).unique()
    begins = pl.concat([inside, tickers.select("ticker", begin=pl.lit(since))]).unique().sort("ticker", "begin")
    ends = begins.with_columns(end=pl.col("begin").shift(-1).over("ticker").fill_null(after))
    owners = changes.with_columns(owned_from="begin").sort("begin")
    # Polars cannot look at the order within tickers, and warns; both sides are sorted by day.
    owned = ends.sort("begin").join_asof(owners, on="begin", by="ticker", check_sortedness=False)
    apart = owned.filter((pl.col("end") < after) | pl.col("owned_from").is_not_null()).sort("ticker", "begin")
    return apart.with_columns(stretch=pl.int_range(pl.len()).cast(pl.String).str.zfill(9)).select(STRETCH)


def _sources(apart: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Return the tickers whose bars are in the windows of each stretch, and from when until when.

    Columns stretch, source, first (the first day of the stretch), before (the day after its last one), and begin, end,
    events_end as in `own_bars.SPAN`.
    """
    days = apart.select("ticker", "owned_from", "stretch", first="begin", before="end")
    owned = days.join(spans, left_on=["ticker", "owned_from"], right_on=["ticker", "first_day"])
    every_bar = [pl.lit(None, pl.Date).alias(name) for name in ("begin", "end", "events_end")]
    whole = days.filter(pl.col("owned_from").is_null()).with_columns(*every_bar, source="ticker")
    columns = ["stretch", "source", "first", "before", "begin", "end", "events_end"]
    return pl.concat([owned.select(columns), whole.select(columns)])


def _copies(bars: pl.DataFrame, sources: pl.DataFrame, sessions: Sequence[date], lookback: int) -> pl.DataFrame:
    """Return the bars in the windows of each stretch, with the stretch's name as ticker."""
    calendar = pl.Series(sessions, dtype=pl.Date)
    earliest = calendar.search_sorted(sources["first"], side="left").cast(pl.Int64) - (lookback - 1)
    reached = sources.with_columns(reach=calendar.gather(earliest.clip(0)))
    last = pl.min_horizontal(pl.col("before") - pl.duration(days=1), "end")
    return (
        bars.lazy()
        .join(reached.lazy(), left_on="ticker", right_on="source")
        .filter(pl.col("session") >= pl.max_horizontal("reach", "begin"), pl.col("session") <= last)
        .with_columns(ticker="stretch")
        .select(bars.columns)
        .collect()
    )


def _on_own_basis(copies: pl.DataFrame, splits: pl.DataFrame, sources: pl.DataFrame) -> pl.DataFrame:
    """Return the bars of each stretch on the basis of the security's splits known in it."""
    day = pl.col("execution_date")
    began = pl.col("begin").is_null() | (day >= pl.col("begin"))
    not_over = pl.col("events_end").is_null() | (day <= pl.col("events_end"))
    own = splits.join(sources, left_on="ticker", right_on="source").filter(began, not_over, day < pl.col("before"))
    # A split on the day of a rename counts once, even if it is stated under both tickers.
    once = own.sort("begin", nulls_last=False).unique(["stretch", "execution_date"], keep="last", maintain_order=True)
    return on_basis_of(date.max, copies, split_events(once.with_columns(ticker="stretch")))


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
