"""Reference data through time: the history of the vendor's statements, which are in doubt, which may be applied. Pure.

A row of history is one statement of the vendor, with the refreshes at which it was first made, last made and withdrawn.
A changed statement is another row, and so is one that is withdrawn and made again.

A split or dividend is first judged by itself, in the order of DOUBTS. Those without a doubt are then compared:

1. Splits of one ticker and day whose ratios agree to nine digits are one split, stated several times (2:1 is 4:2). The
   one seen first counts, then the one with the lowest id; the others are `repeated`.
2. When their ratios differ, all of them are `conflicting`: it is unknown which is right, so none is applied.
3. Dividends of one ticker, ex-date, amount, currency and type are one dividend, stated several times, as in 1.
4. Of regular dividends (`distribution_type` recurring, up to 24 payments a year) of the same frequency on one day, the
   one seen last counts, then the largest; the others are `replaced`. The vendor keeps an estimate beside the amount
   that was declared.
5. Of a dividend told for two days up to NEARBY apart with the same amount and type, the earlier counts; the later is
   `repeated_nearby`. Weekly payers are never compared. Other dividends are paid in addition.

A ruling of the user comes before all of that: a split that is confirmed or added is applied however large its ratio,
and one that is rejected is not (see `rulings`).
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import polars as pl

from pipeline.contracts.reference import JUDGED, KNOWN, SETTLED
from pipeline.errors import ClockBehind

LARGEST_RATIO = 10_000.0
"""New shares for one old, or old ones for one new, beyond which a split is `implausible`."""

SAME_RATIO = 1e-9
"""Relative difference up to which two ratios are the same."""

NEARBY = timedelta(days=7)
"""Two dividends of one amount and type no further apart than this are one; monthly ones are 4 weeks apart."""

WITHIN_A_WEEK = timedelta(days=5)
"""The same for dividends of no known frequency."""

MOST_REGULAR = 24
"""Payments a year up to which a dividend cannot come twice within NEARBY."""

HOLDS = pl.col("withdrawn_at").is_null()
"""Whether the vendor still made the statement at the newest refresh."""

NEWEST = pl.max_horizontal(pl.col("last_seen_at", "withdrawn_at").max())
"""The moment of the newest refresh of a history."""

Judgement = Callable[[pl.DataFrame], pl.DataFrame]


def is_users_own() -> pl.Expr:
    """Return whether a row of `reference/splits` is the user's own statement, which the vendor never made.

    A split that was added, or a day without a split: that row has no ratio.
    """
    unsaid = pl.all_horizontal(pl.col("split_from", "split_to", "adjustment_type", "id").is_null())
    own = (pl.col("ruling") == "added") | ((pl.col("ruling") == "rejected") & unsaid)
    return own.fill_null(value=False)


def told_by_vendor(history: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a table's history that the vendor stated, without the user's own."""
    return history.filter(~is_users_own()) if "ruling" in history.columns else history


def merged(history: pl.DataFrame, answer: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Return the history after a refresh at the moment `at` (UTC) in which the vendor's answer was `answer`.

    `history` is the history before, in the columns of its table, and `answer` has the vendor's own columns of it;
    repeated rows of `answer` count once. A statement made again is last seen at `at`; one that held and is missing is
    withdrawn at `at`; a new one is first seen at `at`, its `doubt` yet to be judged. The user's own rows stay.
    Raises ClockBehind when `at` is not after every moment of `history`.
    """
    require_later(history, at)
    own = answer.columns
    statements = answer.unique(maintain_order=True)
    told = told_by_vendor(history)
    holding = told.filter(HOLDS)
    users_own = history.filter(is_users_own()) if "ruling" in history.columns else history.clear()
    now = pl.lit(at).cast(history.schema["last_seen_at"])
    again = holding.join(statements, on=own, how="semi", nulls_equal=True).with_columns(last_seen_at=now)
    gone = holding.join(statements, on=own, how="anti", nulls_equal=True).with_columns(withdrawn_at=now)
    new = statements.join(holding, on=own, how="anti", nulls_equal=True).with_columns(
        first_seen_at=now, last_seen_at=now
    )
    # A new row has neither doubt nor ruling nor withdrawal.
    return pl.concat([users_own, told.filter(~HOLDS), gone, again, new], how="diagonal").select(history.columns)


def dated_before(history: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Return the history with every moment after `at` (UTC) moved before it, in the same order; none is lost.

    For a history written while the clock was ahead, once the clock is right. Moments up to `at` stay as they are.
    Raises ClockBehind when they leave no room for the others.
    """
    moments = pl.concat([history[name] for name in KNOWN]).drop_nulls().unique().sort()
    past, to_come = moments.filter(moments <= at), moments.filter(moments > at)
    before = past[-1] if len(past) else at - timedelta(seconds=1)
    step = (at - before) // (len(to_come) + 1)
    if len(to_come) and not step:
        require_later(history, at)
    dated = [before + step * (number + 1) for number in range(len(to_come))]
    return history.with_columns(pl.col(KNOWN).replace(to_come, pl.Series(dated, dtype=to_come.dtype)))


def newest_refresh(history: pl.DataFrame) -> datetime | None:
    """Return the moment of the newest refresh that made or withdrew a statement; None for an empty history."""
    return history.select(NEWEST).item()


def require_later(history: pl.DataFrame, at: datetime) -> None:
    """Return if `at` is after every moment of `history`; raises ClockBehind if not."""
    newest = newest_refresh(history)
    if newest is not None and at <= newest:
        raise ClockBehind(
            f"Reference data was seen at {newest:%Y-%m-%d %H:%M:%S} UTC, which is not before {at:%Y-%m-%d %H:%M:%S} "
            "UTC: its history would run backwards. Nothing was written.",
            remedy="If this computer's clock is behind, set it, then refresh again. If it is right, it was ahead then: "
            "`candlelake reference --clock-was-ahead` dates that refresh before now, and refreshes again.",
        )


def changes_of(history: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Return what the refresh at `at` changed, as `change` (withdrawn, added) before the columns of `history`.

    Withdrawn statements come first. A statement that the vendor changed is there twice: before and after.
    """
    change = (
        pl.when(pl.col("withdrawn_at") == at).then(pl.lit("withdrawn"))
        .when(pl.col("first_seen_at") == at).then(pl.lit("added"))
    )  # fmt: skip
    changed = history.select(change.alias("change"), pl.all()).drop_nulls("change")
    return changed.sort("change", history.columns[0], descending=[True, False])


def withdrawn_last(history: pl.DataFrame) -> pl.DataFrame:
    """Return the vendor's statements that the newest refresh withdrew, sorted; not those that a ruling replaced."""
    told = told_by_vendor(history)
    statement = [name for name in told.columns if name not in (*KNOWN, *JUDGED)]
    gone = told.filter(pl.col("withdrawn_at") == NEWEST)
    return gone.join(told.filter(HOLDS), on=statement, how="anti", nulls_equal=True).sort(history.columns[:2])


def vanished_tickers(history: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `withdrawn_last` whose ticker has no statement left that holds."""
    return withdrawn_last(history).join(history.filter(HOLDS), on="ticker", how="anti")


def as_known(history: pl.DataFrame, known_at: datetime | None = None) -> pl.DataFrame:
    """Return the statements that held at the moment `known_at` (UTC), or hold now."""
    if known_at is None:
        return history.filter(HOLDS)
    held_then = HOLDS | (pl.col("withdrawn_at") > known_at)
    return history.filter(pl.col("first_seen_at") <= known_at, held_then)


def with_split_doubts(history: pl.DataFrame) -> pl.DataFrame:
    """Return the splits with `doubt` worked out for those that hold; withdrawn ones keep theirs."""
    return _rejudged(history, _judged_splits)


def with_dividend_doubts(history: pl.DataFrame) -> pl.DataFrame:
    """Return the dividends with `doubt` worked out for those that hold; withdrawn ones keep theirs."""
    return _rejudged(history, _judged_dividends)


def applicable_splits(history: pl.DataFrame, known_at: datetime | None = None) -> pl.DataFrame:
    """Return the splits to apply, as they were known at `known_at` (UTC) or are known now.

    Columns ticker, execution_date, split_from, split_to; one row per ticker and day, sorted by them.
    """
    sound = _judged_splits(as_known(history, known_at)).filter(pl.col("doubt").is_null())
    return sound.select("ticker", "execution_date", "split_from", "split_to").sort("ticker", "execution_date")


def doubted_splits(history: pl.DataFrame, known_at: datetime | None = None) -> pl.DataFrame:
    """Return the splits that were or are in doubt and not applied, as they were known at `known_at` (UTC) or now.

    Rows of `reference/splits`; those whose doubt is settled, such as repeats, are left out.
    """
    judged = _judged_splits(as_known(history, known_at))
    return judged.filter(~pl.col("doubt").is_in(SETTLED))


def applicable_dividends(history: pl.DataFrame, known_at: datetime | None = None) -> pl.DataFrame:
    """Return the dividends to apply, in USD per share, as they were known at `known_at` (UTC) or are known now.

    Columns ticker, ex_dividend_date, cash_amount; one row per ticker and day with the sum, sorted by them.
    """
    day = ["ticker", "ex_dividend_date"]
    sound = _judged_dividends(as_known(history, known_at)).filter(pl.col("doubt").is_null())
    # In one order, so that the sum is the same to the last digit.
    return sound.sort(*day, "cash_amount").group_by(day, maintain_order=True).agg(pl.col("cash_amount").sum())


def _rejudged(history: pl.DataFrame, judged: Judgement) -> pl.DataFrame:
    return pl.concat([history.filter(~HOLDS), judged(history.filter(HOLDS))])


def _judged_splits(rows: pl.DataFrame) -> pl.DataFrame:
    old, new = pl.col("split_from"), pl.col("split_to")
    doubt = (
        pl.when(pl.col("ruling") == "rejected")
        .then(pl.lit("rejected"))
        .when(pl.any_horizontal(pl.col("execution_date", "split_from", "split_to").is_null()))
        .then(pl.lit("unreadable"))
        .when((old <= 0) | (new <= 0))
        .then(pl.lit("not_positive"))
        .when(pl.col("ruling").is_null() & ((new / old > LARGEST_RATIO) | (old / new > LARGEST_RATIO)))
        .then(pl.lit("implausible"))
    )
    day = ["ticker", "execution_date"]
    differ = (new / old).max().over(day) > (new / old).min().over(day) * (1 + SAME_RATIO)
    among_others = pl.when(differ).then(pl.lit("conflicting")).when(_stated_before(day)).then(pl.lit("repeated"))
    return _judged(rows, doubt, among_others)


def _judged_dividends(rows: pl.DataFrame) -> pl.DataFrame:
    in_usd = pl.col("currency").str.strip_chars().str.to_uppercase() == "USD"
    doubt = (
        pl.when(pl.any_horizontal(pl.col("ex_dividend_date", "cash_amount").is_null()))
        .then(pl.lit("unreadable"))
        .when(pl.col("cash_amount") <= 0)
        .then(pl.lit("not_positive"))
        .when(~in_usd.fill_null(value=False))
        .then(pl.lit("not_usd"))
    )
    event = ["ticker", "ex_dividend_date", "cash_amount", "currency", "distribution_type"]
    judged = _judged(rows, doubt, pl.when(_stated_before(event)).then(pl.lit("repeated")))
    return _repeated_nearby(_replaced(judged))


def _is_regular() -> pl.Expr:
    """Return whether a sound dividend is one of a series whose payments lie further apart than NEARBY."""
    is_of_series = (pl.col("distribution_type") == "recurring") & pl.col("frequency").is_between(1, MOST_REGULAR)
    return pl.col("doubt").is_null() & is_of_series.fill_null(value=False)


def _replaced(rows: pl.DataFrame) -> pl.DataFrame:
    """Return dividends with all but one of the regular ones of a ticker, ex-date and frequency as `replaced`."""
    others, regular = rows.filter(~_is_regular()), rows.filter(_is_regular())
    last_first = regular.sort("first_seen_at", "cash_amount", descending=True, maintain_order=True)
    is_another = _stated_before(["ticker", "ex_dividend_date", "frequency"])
    return pl.concat([others, last_first.with_columns(doubt=pl.when(is_another).then(pl.lit("replaced")))])


def _repeated_nearby(rows: pl.DataFrame) -> pl.DataFrame:
    """Return dividends with one that is told again up to NEARBY later as `repeated_nearby`."""
    is_weekly = (pl.col("frequency") > MOST_REGULAR).fill_null(value=False)
    is_compared = pl.col("doubt").is_null() & ~is_weekly
    others, compared = rows.filter(~is_compared), rows.filter(is_compared)
    same = ("ticker", "distribution_type", "cash_amount")
    by_day = compared.sort(*same, "ex_dividend_date")
    day = pl.col("ex_dividend_date")
    # Who is not known to pay rarely may pay weekly.
    near = pl.when(pl.col("frequency").is_between(1, MOST_REGULAR)).then(NEARBY).otherwise(WITHIN_A_WEEK)
    is_again = (day - day.shift().over(same) <= near).fill_null(value=False)
    return pl.concat([others, by_day.with_columns(doubt=pl.when(is_again).then(pl.lit("repeated_nearby")))])


def _judged(rows: pl.DataFrame, alone: pl.Expr, among_others: pl.Expr) -> pl.DataFrame:
    """Return `rows` with the `doubt` of each row alone; rows without one are then compared with each other."""
    judged = rows.with_columns(doubt=alone.cast(pl.String))
    own = [name for name in rows.columns if name not in (*KNOWN, *JUDGED, "id")]
    sound = judged.filter(pl.col("doubt").is_null()).sort("first_seen_at", "id", *own, nulls_last=True)
    return pl.concat(
        [judged.filter(pl.col("doubt").is_not_null()), sound.with_columns(doubt=among_others.cast(pl.String))]
    )


def _stated_before(event: Sequence[str]) -> pl.Expr:
    """Return whether an earlier row states the same event."""
    return pl.int_range(pl.len()).over(event) > 0
