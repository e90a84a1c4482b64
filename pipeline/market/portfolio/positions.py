"""Positions session by session: shares after splits, value, profit, distances to stop and target, drawdown. Pure.

A position lasts from the session it was opened to the one it was sold on, both included. Each mark stands on the share
basis of its own session: before the market opens on the execution date of a split, shares are multiplied by `split_to`
/ `split_from` and prices by the inverse. Nothing after the session matters.

- A position is in the security that had its ticker on the day it was opened. It has the bars, splits and dividends of
  that security under whatever ticker, and is called by the ticker of the session. Another security that takes its
  ticker is none of it.
- A security without a bar is marked at its last close since the position was opened, put on the session's basis; before
  its first bar, at the price paid.
- On the session of the sale the shares are sold by the close: quantity, value and unrealised profit are 0.
- A position gets the dividends with an ex-date after its opening, up to the day of the sale, in the shares of the
  ex-date. They count from the ex-date, before tax, and do not change the entry.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.contracts.portfolio import POSITION_MARKS
from pipeline.market.portfolio.book import in_force
from pipeline.market.prices.splits import shares_become
from pipeline.market.securities.listings import NO_LISTINGS
from pipeline.market.securities.names import events_under_security, last_days, tickers_on, under_security

NO_DIVIDENDS = pl.DataFrame(schema={"ticker": pl.String, "ex_dividend_date": pl.Date, "cash_amount": pl.Float64})


def held_between(history: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Return the positions in force that were held on some of the sessions `first` … `last`, by number."""
    not_sold_before = pl.col("closed").is_null() | (pl.col("closed") >= first)
    return in_force(history).filter(pl.col("opened") <= last, not_sold_before)


def position_marks(  # noqa: PLR0913, PLR0917 (all that moves what is held)
    history: pl.DataFrame,
    bars: pl.DataFrame,
    splits: pl.DataFrame,
    sessions: Sequence[date],
    dividends: pl.DataFrame = NO_DIVIDENDS,
    listed: pl.DataFrame = NO_LISTINGS,
) -> pl.DataFrame:
    """Return a row for each of `sessions` and each position held on it, sorted: the columns of `POSITION_MARKS`.

    `history`: rows of `portfolio/positions`, as `settled` by the splits known now. `bars`: ticker, session, close as
    traded, at least for every ticker of the securities held, from the first opening on; the newest may be the latest
    price of a session that is under way. `splits`: ticker, execution_date, split_from, split_to; `dividends`: ticker,
    ex_dividend_date, cash_amount in USD. `listed` are listings; without them every ticker is a security of its own.
    Nothing after a mark's session changes it. Raises ContractBroken when a ticker has two splits on a day, or a number
    is impossible.
    """
    if not sessions:
        return POSITION_MARKS.empty()
    held = held_between(history, min(sessions), max(sessions))
    positions = under_security(held.with_columns(bought="ticker"), "opened", listed)
    own_splits = events_under_security(splits, "execution_date", listed)
    days = _days(positions, max(sessions))
    priced = _priced(days, under_security(bars.select("ticker", "session", "close"), "session", listed), own_splits)
    requested = priced.filter(pl.col("session").is_in(list(sessions)))
    with_terms = _with_terms(requested, history, own_splits)
    paid = events_under_security(dividends, "ex_dividend_date", listed)
    marked = _called(_valued(_with_dividends(with_terms, positions, paid, own_splits)), listed)
    return marked.select(pl.col(name).cast(dtype) for name, dtype in POSITION_MARKS.columns.items())


def _days(positions: pl.DataFrame, last: date) -> pl.DataFrame:
    """Return each session of each position from its opening on, to `last` or its sale, by position and session."""
    if positions.is_empty():
        return positions.with_columns(session=pl.col("opened"), sessions_held=pl.lit(0, pl.Int32))
    first: date = positions.select(pl.col("opened").min()).item()
    calendar = pl.DataFrame(
        {"session": POSITION_MARKS.venue.calendar.between(first, last)}, schema={"session": pl.Date}
    )
    until = pl.min_horizontal(pl.lit(last), "closed")
    days = positions.with_columns(until=until).join_where(
        calendar, pl.col("session") >= pl.col("opened"), pl.col("session") <= pl.col("until")
    )
    ordered = days.drop("until").sort("position", "session")
    return ordered.with_columns(sessions_held=pl.int_range(pl.len(), dtype=pl.Int32).over("position"))


def _priced(days: pl.DataFrame, bars: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Return `days` with quantity and entry on each session's basis, close, peak, and the session of the close."""
    became = shares_become(days, splits, since=pl.col("opened"), until=pl.col("session"))
    with_bars = row_by_row(
        days.with_columns(ratio=became).join(
            bars.select("ticker", "session", bar="close"), on=["ticker", "session"], how="left", maintain_order="left"
        )
    )
    ratio = pl.col("ratio")
    # The value of one share bought: the same on every basis, so that it can be compared over time.
    worth = pl.col("bar") * ratio
    last = worth.forward_fill().over("position")
    highest = pl.max_horizontal("price", last).cum_max().over("position")
    close = pl.coalesce("bar", last / ratio, pl.col("price") / ratio)
    return with_bars.with_columns(
        quantity=pl.col("quantity") * ratio,
        entry=pl.col("price") / ratio,
        cost=pl.col("quantity") * pl.col("price") + pl.col("commission"),
        close=close,
        priced_on=pl.when(pl.col("bar").is_not_null()).then("session").forward_fill().over("position"),
        no_bar=pl.col("bar").is_null(),
        peak=pl.max_horizontal(highest / ratio, close),
    )


def _with_terms(days: pl.DataFrame, history: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Return `days` with the stop and target in force on each session, on its basis.

    A part that was sold had the terms of the position it was split off from.
    """
    newest = history.sort("revision").unique(["position", "terms_from"], keep="last")
    terms = newest.select("terms_from", "stop", "target", whose="position").sort("terms_from")
    whose = pl.coalesce("split_off_from", "position")
    on_day = (
        days.drop("stop", "target", "terms_from")
        .with_columns(whose=whose)
        .sort("session")
        # Polars cannot check the order within positions, and warns; both sides were just sorted.
        .join_asof(terms, left_on="session", right_on="terms_from", by="whose", check_sortedness=False)
        .sort("position", "session")
    )
    ratio = shares_become(on_day, splits, since=pl.col("terms_from"), until=pl.col("session"))
    return on_day.with_columns(pl.col("stop", "target") / ratio)


def _with_dividends(
    days: pl.DataFrame, positions: pl.DataFrame, dividends: pl.DataFrame, splits: pl.DataFrame
) -> pl.DataFrame:
    """Return `days` with the dividends that each position has received by each session."""
    until_sold = pl.col("closed").is_null() | (pl.col("ex_dividend_date") <= pl.col("closed"))
    owned = positions.select("position", "ticker", "opened", "closed", bought="quantity")
    got = owned.join(dividends, on="ticker").filter(pl.col("ex_dividend_date") > pl.col("opened"), until_sold)
    ratio = shares_become(got, splits, since=pl.col("opened"), until=pl.col("ex_dividend_date"))
    paid = got.with_columns(amount=pl.col("bought") * ratio * pl.col("cash_amount")).sort("ex_dividend_date")
    sums = paid.select("position", "ex_dividend_date", dividends=pl.col("amount").cum_sum().over("position"))
    return (
        days.sort("session")
        # Polars cannot check the order within positions, and warns; both sides were just sorted.
        .join_asof(sums, left_on="session", right_on="ex_dividend_date", by="position", check_sortedness=False)
        .with_columns(pl.col("dividends").fill_null(0.0))
        .sort("position", "session")
    )


def _called(days: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """Return `days` with the ticker of each session in place of the security's name, `bought_as` and `delisted_on`."""
    delisted = days.join(last_days(listed), left_on="ticker", right_on="security", how="left", maintain_order="left")
    is_over = pl.col("no_bar") & (pl.col("session") >= pl.col("last_day"))
    return delisted.with_columns(ticker=tickers_on(days, listed)).with_columns(
        bought_as=pl.when(pl.col("bought") != pl.col("ticker")).then("bought"),
        delisted_on=pl.when(is_over).then("last_day"),
    )


def row_by_row(frame: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` with every value of every column stored.

    For a column that a join filled from a single row, Polars stores one value, and divides by multiplying with its
    inverse, which differs in the last digit. A session alone would then differ from the same session in a range.
    """
    return pl.DataFrame(frame.get_columns())


def _valued(days: pl.DataFrame) -> pl.DataFrame:
    """Return `days` with values, profits and distances."""
    is_closed = (pl.col("session") == pl.col("closed")).fill_null(value=False)
    left = pl.when(is_closed).then(0.0).otherwise("quantity")
    proceeds = pl.col("quantity") * pl.col("closing_price") - pl.col("closing_commission")
    valued = days.with_columns(
        is_closed=is_closed,
        quantity=left,
        value=left * pl.col("close"),
        realised=pl.when(is_closed).then(proceeds - pl.col("cost")).otherwise(0.0),
    )
    unrealised = pl.when("is_closed").then(0.0).otherwise(pl.col("value") - pl.col("cost"))
    return valued.with_columns(
        unrealised=unrealised,
        profit=unrealised + pl.col("realised") + pl.col("dividends"),
        to_stop=pl.col("stop") / pl.col("close") - 1,
        to_target=pl.col("target") / pl.col("close") - 1,
        drawdown=pl.col("close") / pl.col("peak") - 1,
    )
