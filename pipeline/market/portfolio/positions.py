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
  ex-date. They count from the ex-date, before tax, and do not change the entry. They lower stop and peak (`levels`).
- Less than the smallest holding (`dust`) is no holding, and has no row.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.contracts.portfolio import POSITION_MARKS
from pipeline.market.portfolio.book import in_force
from pipeline.market.portfolio.dust import SMALLEST
from pipeline.market.portfolio.levels import NO_DIVIDENDS, Actions, term_histories
from pipeline.market.portfolio.session_levels import with_peak, with_terms_in_force
from pipeline.market.prices.exact import exact_numbers
from pipeline.market.prices.splits import RATIO, price_after, shares_after, with_ratio
from pipeline.market.securities.listings import NO_LISTINGS
from pipeline.market.securities.names import events_under_security, last_days, tickers_on, under_security


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
    # A part that was sold had the terms of the position it was split off from.
    whose = pl.coalesce("split_off_from", "position")
    held = held_between(history, min(sessions), max(sessions)).with_columns(whose=whose, bought="ticker")
    positions = under_security(held, "opened", listed)
    of_held = history.filter(pl.col("position").is_in(positions["whose"].implode()))
    terms = term_histories(under_security(of_held, "opened", listed))
    closes = under_security(bars.select("ticker", "session", "close"), "session", listed)
    own_splits = events_under_security(splits, "execution_date", listed)
    paid = events_under_security(dividends, "ex_dividend_date", listed)
    actions = Actions(own_splits, paid)
    priced = with_peak(_priced(_days(positions, max(sessions)), closes, own_splits), terms, actions)
    requested = priced.filter(pl.col("session").is_in(list(sessions)), pl.col("quantity") >= SMALLEST)
    with_terms = with_terms_in_force(requested, terms, actions)
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
    """Return `days` with quantity and entry on each session's basis, `bar`, close, and the session of the close.

    `bar` is the close of the session itself, null without one.
    """
    with_bars = row_by_row(
        with_ratio(days, splits, since=pl.col("opened"), until=pl.col("session")).join(
            bars.select("ticker", "session", bar="close"), on=["ticker", "session"], how="left", maintain_order="left"
        )
    )
    return with_bars.with_columns(
        quantity=shares_after(pl.col("quantity")),
        entry=price_after(pl.col("price")),
        cost=pl.col("quantity") * pl.col("price") + pl.col("commission"),
        close=pl.coalesce("bar", _last_close(), price_after(pl.col("price"))),
        priced_on=pl.when(pl.col("bar").is_not_null()).then("session").forward_fill().over("position"),
        no_bar=pl.col("bar").is_null(),
    )


def _last_close() -> pl.Expr:
    """Return the close of the position's last bar, on the basis of the session."""
    has_bar = pl.col("bar").is_not_null()
    then = {name: pl.when(has_bar).then(name).forward_fill().over("position") for name in ("bar", *RATIO)}
    # Both sides of the splits since that bar; whole numbers divide without a rest.
    old, new = (pl.col(name) / then[name] for name in RATIO)
    return exact_numbers(then["bar"] * old / new)


def _with_dividends(
    days: pl.DataFrame, positions: pl.DataFrame, dividends: pl.DataFrame, splits: pl.DataFrame
) -> pl.DataFrame:
    """Return `days` with the dividends that each position has received by each session."""
    until_sold = pl.col("closed").is_null() | (pl.col("ex_dividend_date") <= pl.col("closed"))
    owned = positions.select("position", "ticker", "opened", "closed", bought="quantity")
    got = owned.join(dividends, on="ticker").filter(pl.col("ex_dividend_date") > pl.col("opened"), until_sold)
    on_shares = with_ratio(got, splits, since=pl.col("opened"), until=pl.col("ex_dividend_date"))
    amount = shares_after(pl.col("bought")) * pl.col("cash_amount")
    paid = on_shares.with_columns(amount=amount).sort("ex_dividend_date")
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
