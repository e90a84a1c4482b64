"""What the prices of a day say: whether they jump, and whether that agrees with the splits and dividends told. Pure.

A jump is a move of open and close against the close before that is beyond what the ticker's own past explains. News
moves prices too, but then far more money changes hands than usual; a split leaves the money as it was, and changes the
number of shares instead. So a jump that comes with much more money than usual is honest.
"""

from math import exp, log

import polars as pl

from pipeline.market.prices.doubts.days import SMALLEST_JUMP, SMALLEST_SPIKE
from pipeline.market.prices.doubts.ratios import BEYOND_NEWS, is_near
from pipeline.market.prices.doubts.told import LARGEST_DIVIDEND
from pipeline.market.prices.doubts.usual import ENOUGH

JUMP = 8.0
"""A move beyond so many times the noise is a jump. Daily returns have heavy tails: eight is rare, not impossible."""

BACK = 6.0
"""The same for a move that goes back on the next bar."""

CLEAR = 7.0
"""A told split shows in the price if it moves it by more than so many times the noise; a smaller one is not judged."""

CLOSENESS = 0.10
"""Log return by which the price may always miss the ratio of a split that is told."""

CLOSENESS_OF_MUCH, FAR_OFF = 0.15, 0.33
"""The same as a share of the ratio's log, and at most: a fall of a quarter is common on the day of a 1:10 split."""

FIT = 6.0
"""Times the noise by which the price may miss the ratio of a split that is told."""

SMALLEST_TOLD = 0.06
"""Log return below which a told split is not judged: the stock dividends up to 6 % among them."""

PAUSE, AFTER_PAUSE = 5, BEYOND_NEWS
"""Sessions without a bar after which only a jump beyond this log return counts: much may have happened."""

NEWS = 0.8
"""Log of the money traded, by the usual, from which on a jump is news: 2.2 times the usual."""

NEWS_AT_A_RATIO = 1.1
"""The same as NEWS for a jump by just the ratio of a split, which news would rarely hit: 3 times the usual."""

FAR_JUMP, NEWS_OF_A_FAR_RISE = 25.0, 2.2
"""The same for a rise by the ratio of a reverse split and beyond so many times the noise: on the first day after some
splits the vendor counts in old shares. 9 times the usual."""

NEWS_OF_A_RISE = 0.7
"""What a rise adds to it for each of its log return: news makes more shares change hands, and not only more money."""

NEWS_ON_A_SPLIT = 1.6
"""The same as NEWS on the day of a split that is told, whose price is watched: 5 times the usual."""

FEWEST_TRADES = 5
"""Trades of a day below which its prices say little; 0 is unknown."""

SPIKE, WIDE_SPIKE = 8.0, 4.0
"""A print stands out beyond so many times the noise, and so many times the ticker's usual widest."""

NEWS_OF_A_SPIKE = 0.6
"""The same as NEWS for a print: in the crash of 2010-05-06 prices far off were traded, at twice the usual and more."""

FAR_SPIKE = 3.0
"""Beyond so many times that limit, a print stands out also on a day with the trading of NEWS_ON_A_SPLIT."""

FITS, REVERSED, IDLE, WRONG, JUMPS, GOES_BACK = "fits", "reversed", "idle", "wrong", "jumps", "goes_back"
"""Verdicts on a day: of a split told for it, the first four; of a day without one, the others."""


def with_verdict(told: pl.DataFrame) -> pl.DataFrame:
    """Return the days (with what is usual and what is told) with the `verdict` of each, and what it follows from.

    `verdict` is FITS, REVERSED, IDLE (the price does not move as told) or WRONG (it moves, but by another ratio) for a
    day with a split; JUMPS or GOES_BACK (to before a jump on the bar before) for one without; null where nothing is
    wrong, the user has ruled, or the prices cannot tell. `closeness` is the log return by which a price may miss a
    ratio. `money` is the log of the money traded by the usual. `is_paid` says whether a large dividend shows in the
    price, null without one; `spike_up` and `spike_down` are the log returns of prints that stand out, null without.
    """
    of_much = (CLOSENESS_OF_MUCH * pl.col("told_move").abs()).clip(upper_bound=FAR_OFF)
    closeness = pl.max_horizontal(FIT * pl.col("noise"), of_much, pl.lit(CLOSENESS))
    measured = told.with_columns(closeness=closeness, money=_money())
    free = (pl.col("conflicting") == 0) & ~pl.col("is_ruled")
    of_split = pl.when(free & (pl.col("told") > 0)).then(_of_told_split())
    verdict = pl.coalesce(of_split, pl.when(free & (pl.col("told") == 0) & _is_free_of_dividend()).then(_of_jump()))
    spikes = {"spike_up": (pl.col("high") / pl.max_horizontal("close", "basis")).log()}
    spikes["spike_down"] = (pl.min_horizontal("close", "basis") / pl.col("low")).log()
    known = measured.with_columns(verdict=verdict, is_paid=_is_paid())
    return known.with_columns(pl.when(free & _stands_out(size)).then(size).alias(name) for name, size in spikes.items())


def is_jump(least: float, times: float) -> pl.Expr:
    """Return whether open and close both moved one way by `least` (log return) and `times` the noise, or more."""
    opened, closed = pl.col("moved_open"), pl.col("moved_close")
    smaller = pl.min_horizontal(opened.abs(), closed.abs())
    return (opened * closed > 0) & (smaller >= pl.max_horizontal(pl.lit(least), times * pl.col("noise")))


def _money() -> pl.Expr:
    traded = pl.col("volume") * pl.col("close") / pl.col("usual_dollars")
    # Without a trade, or without a usual day, nothing is unusual.
    return pl.when(traded > 0, traded.is_finite()).then(traded.log()).otherwise(0.0)


def _is_news(limit: float) -> pl.Expr:
    return pl.col("money") > limit + NEWS_OF_A_RISE * pl.max_horizontal("moved_open", pl.lit(0.0))


def _away(from_move: pl.Expr | float) -> pl.Expr:
    """Return the smaller distance of open and close from a move (log return) against the basis."""
    return pl.min_horizontal((pl.col(name) - from_move).abs() for name in ("moved_open", "moved_close"))


def _of_told_split() -> pl.Expr:
    """Return the verdict on the split told for a day; moves are against the basis, on which a true one shows as 0."""
    told = pl.col("told_move")
    as_told, as_before, reversed_ = _away(0.0), _away(-told), _away(-2 * told)
    fits = (as_told <= pl.col("closeness")) & (as_told <= as_before)
    shows = told.abs() >= pl.max_horizontal(CLEAR * pl.col("noise"), pl.lit(SMALLEST_TOLD))
    nearer_before = pl.all_horizontal(
        (pl.col(name) + told).abs() < pl.col(name).abs() for name in ("moved_open", "moved_close")
    )
    return (
        pl.when(fits)
        .then(pl.lit(FITS))
        .when(shows & (reversed_ <= pl.col("closeness")) & (reversed_ < as_before))
        .then(pl.lit(REVERSED))
        .when(shows & nearer_before & (as_before <= pl.col("closeness")))
        .then(pl.lit(IDLE))
        .when(is_jump(SMALLEST_JUMP, FIT) & (as_told > pl.col("closeness")) & ~_is_news(NEWS_ON_A_SPLIT))
        .then(pl.lit(WRONG))
        .when(as_told < as_before)
        .then(pl.lit(FITS))
    )


def _of_jump() -> pl.Expr:
    """Return the verdict on a day without a split."""
    after_pause = pl.col("place") - pl.col("previous_place") > PAUSE
    is_large = pl.when(after_pause).then(is_jump(AFTER_PAUSE, JUMP)).otherwise(is_jump(SMALLEST_JUMP, JUMP))
    traded = (pl.col("transactions") == 0) | (pl.col("transactions") >= FEWEST_TRADES)
    is_far_rise = (pl.col("moved_open") > 0) & is_jump(SMALLEST_JUMP, FAR_JUMP)
    is_news = (
        pl.when(is_near() & is_far_rise)
        .then(_is_news(NEWS_OF_A_FAR_RISE))
        .when(is_near())
        .then(_is_news(NEWS_AT_A_RATIO))
        .otherwise(_is_news(NEWS))
    )
    known = pl.col("moves") >= ENOUGH
    return (
        pl.when(known & _goes_back())
        .then(pl.lit(GOES_BACK))
        .when(is_large, traded, known, ~is_news)
        .then(pl.lit(JUMPS))
    )


def _goes_back() -> pl.Expr:
    """Return whether the price is back where it was before a jump on the bar before, on which trading was usual."""
    yesterday = (pl.col("previous_close") / pl.col("before_close")).log()
    was_jump = yesterday.abs() >= pl.max_horizontal(BACK * pl.col("noise"), pl.lit(SMALLEST_JUMP))
    back = (pl.col("moved_open") + yesterday).abs() <= pl.max_horizontal(yesterday.abs() / 4, 3 * pl.col("noise"))
    was_quiet = pl.col("previous_volume") <= exp(NEWS) * pl.col("usual_volume")
    soon = pl.col("place") - pl.col("before_place") <= PAUSE
    return (is_jump(SMALLEST_JUMP, BACK) & was_jump & back & was_quiet & soon).fill_null(value=False)


def _is_paid() -> pl.Expr:
    """Return whether the price falls by a large dividend; null if there is none that must show."""
    before = pl.col("previous_close")
    paid = (pl.col("cash_amount") / before).clip(upper_bound=LARGEST_DIVIDEND)
    fall = (1 - paid).log()
    must_show = -fall >= pl.max_horizontal(JUMP * pl.col("noise"), pl.lit(log(1.15)))
    stays = pl.all_horizontal(
        (pl.col(name) / before).log().abs() < ((pl.col(name) / before).log() - fall).abs() for name in ("open", "close")
    )
    return pl.when(must_show, pl.col("told") == 0, pl.col("conflicting") == 0).then(~stays)


def _is_free_of_dividend() -> pl.Expr:
    return _is_paid().fill_null(value=True)


def _stands_out(size: pl.Expr) -> pl.Expr:
    """Return whether a print lies `size` (log return) beyond the closes around it, without the trading of news."""
    limit = pl.max_horizontal(SPIKE * pl.col("noise"), WIDE_SPIKE * pl.col("usual_spike"), pl.lit(SMALLEST_SPIKE))
    soon = pl.col("place") - pl.col("previous_place") <= PAUSE
    quiet = pl.col("money") <= pl.when(size >= FAR_SPIKE * limit).then(NEWS_ON_A_SPLIT).otherwise(NEWS_OF_A_SPIKE)
    return soon & (pl.col("moves") >= ENOUGH) & (size >= limit) & quiet
