"""Which kind of doubt a judged day gives rise to, what it is about, and its reading in words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log

import polars as pl

from pipeline.contracts.price_doubts import (
    BAD_PRINT,
    DIVIDEND_WITHOUT_DROP,
    JUMP_UNEXPLAINED,
    SPLIT_CONFLICTING,
    SPLIT_MISSING,
    SPLIT_REVERSED,
    SPLIT_SHIFTED,
    SPLIT_TOLD_TWICE,
    SPLIT_WITHOUT_JUMP,
    SPLIT_WRONG_RATIO,
)
from pipeline.market.prices.doubts.ratios import BEYOND_NEWS, is_near
from pipeline.market.prices.doubts.verdicts import GOES_BACK, IDLE, JUMPS, REVERSED, WRONG
from pipeline.market.prices.doubts.words import evidence, move, number, ratio, times
from pipeline.market.screen.wording import percent

USUAL_SHARES = 3.0
"""Shares of the day, by the usual, up to which a jump by no common ratio is not taken for news: a spin-off leaves their
number as it is, and makes somewhat more of them change hands."""

LEAST_RISE = log(2)
"""Log return of a rise by no common ratio below which it is honest."""

FEWER_SHARES = 0.3
"""A rise by no common ratio is odd only if fewer shares than usual are traded, by this power of the rise or more."""

_FEWER = pl.col("volume_ratio").log() <= -FEWER_SHARES * pl.col("moved_open")
_IS_ODD = (
    pl.when(pl.col("moved_open") < 0)
    .then(pl.col("volume_ratio") <= USUAL_SHARES)
    .otherwise((pl.col("moved_open") >= LEAST_RISE) & _FEWER)
)
"""Whether a jump by no common ratio is without the shares that news makes change hands."""

_TOLD = {"told_date": "told_date", "told_from": "told_from", "told_to": "told_to"}
_LATE = {"told_date": "late_date", "told_from": "late_from", "told_to": "late_to"}
_SESSION, _VERDICT = pl.col("session"), pl.col("verdict")
_MOVED = (pl.col("open") / pl.col("previous_close")).log()
_TOLD_RATIO = ratio("told_from", "told_to")
_IS_NEW = pl.col("twice_date").is_null() & pl.col("late_date").is_null()

_IS_NEAR = is_near() | (pl.col("moved_open").abs() >= BEYOND_NEWS)
"""Whether a jump is that of a split: near a ratio that is common, or too far for anything else."""


@dataclass(frozen=True)
class Finding:
    """One kind of doubt: the days that give rise to it, and its columns; those that are not listed are null."""

    kind: str
    when: pl.Expr
    event_date: pl.Expr | str
    reading: pl.Expr
    columns: Mapping[str, pl.Expr | str] = field(default_factory=dict)
    evidence: pl.Expr = field(default_factory=evidence)


def _spike(side: str, size: str, reach: str) -> Finding:
    price = pl.col(side)
    around = (pl.max_horizontal if reach == "above" else pl.min_horizontal)("basis", "close")
    beyond = percent((pl.col(size).exp() - 1) if reach == "above" else (1 - (-pl.col(size)).exp()))
    words = f"a wrong {side} of {{}} on {{}}: it lies {{}} {reach} the closes of that day and the day before"
    return Finding(
        BAD_PRINT,
        pl.col(size).is_not_null(),
        "session",
        pl.format(words, number(price), _SESSION, beyond),
        {"price_ratio": price / around},
        pl.format(f"{side.capitalize()} {{}}. {{}}", number(price), evidence()),
    )


def _unexplained() -> pl.Expr:
    rare = pl.when(pl.col("rare_away") <= 1.5 * pl.col("noise")).then(
        pl.format(", or, rarely, a {}", ratio("rare_from", "rare_to"))
    )
    fall = pl.format(
        "{} of the price left on {} without news: a spin-off or a special dividend that the vendor does not tell{}",
        percent(1 - pl.col("moved_open").exp()),
        _SESSION,
        rare.fill_null(""),
    )
    rise = pl.format(
        "the price rose {} on {} without news: a wrong price, another security under the ticker, or an event that the "
        "vendor does not tell",
        times(pl.col("moved_open").exp()),
        _SESSION,
    )
    return pl.when(pl.col("moved_open") < 0).then(fall).otherwise(rise)


_NEAR = {"split_from": "near_from", "split_to": "near_to"}

FINDINGS = (
    Finding(
        SPLIT_MISSING,
        (_VERDICT == JUMPS) & _IS_NEW & _IS_NEAR,
        "session",
        pl.format("{} on {}, not told by the vendor", ratio("near_from", "near_to"), _SESSION),
        _NEAR,
    ),
    Finding(
        JUMP_UNEXPLAINED,
        (_VERDICT == JUMPS) & _IS_NEW & ~_IS_NEAR & _IS_ODD,
        "session",
        _unexplained(),
    ),
    Finding(
        SPLIT_SHIFTED,
        pl.col("late_date").is_not_null() & pl.col("twice_date").is_null(),
        "jump_session",
        pl.format(
            "{} on {}; the vendor tells it for {}",
            ratio("late_from", "late_to"),
            pl.col("jump_session"),
            pl.col("late_date"),
        ),
        _LATE | {"split_from": "late_from", "split_to": "late_to"},
    ),
    Finding(
        SPLIT_TOLD_TWICE,
        pl.col("twice_date").is_not_null(),
        "twice_date",
        pl.format(
            "one {}, on {}; the vendor tells it for {} too", _TOLD_RATIO, pl.col("true_date"), pl.col("twice_date")
        ),
        _TOLD | {"told_date": "twice_date", "split_from": "told_from", "split_to": "told_to"},
    ),
    Finding(
        SPLIT_WITHOUT_JUMP,
        (_VERDICT == IDLE) & _IS_NEW,
        "told_date",
        pl.format("no {} on {}: the price moved by {}", _TOLD_RATIO, pl.col("told_date"), move(_MOVED)),
        _TOLD,
    ),
    Finding(
        SPLIT_REVERSED,
        _VERDICT == REVERSED,
        "told_date",
        pl.format(
            "{} on {}; the vendor tells {}, which is the inverse",
            ratio("told_to", "told_from"),
            pl.col("told_date"),
            _TOLD_RATIO,
        ),
        _TOLD | {"split_from": "told_to", "split_to": "told_from"},
    ),
    Finding(
        SPLIT_WRONG_RATIO,
        _VERDICT == WRONG,
        "told_date",
        pl.format("{} on {}; the vendor tells {}", ratio("near_from", "near_to"), pl.col("told_date"), _TOLD_RATIO),
        _TOLD | _NEAR,
    ),
    Finding(
        SPLIT_CONFLICTING,
        (pl.col("conflicting") > 0) & ~pl.col("is_ruled"),
        "told_date",
        pl.col("conflict_words"),
        {"told_date": "told_date", "split_from": "match_from", "split_to": "match_to"},
    ),
    Finding(
        BAD_PRINT,
        _VERDICT == GOES_BACK,
        "previous_session",
        pl.format(
            "a wrong price on {}: the close of {} lies apart from the days before and after ({})",
            pl.col("previous_session"),
            number(pl.col("previous_close")),
            times(pl.col("previous_close") / pl.col("before_close")),
        ),
    ),
    _spike("high", "spike_up", "above"),
    _spike("low", "spike_down", "below"),
    Finding(
        DIVIDEND_WITHOUT_DROP,
        ~pl.col("is_paid") & ~pl.col("is_ruled"),
        "cash_date",
        pl.format(
            "no dividend of {} USD with the ex-date {}, or another amount: the price moved by {}",
            number(pl.col("cash_amount")),
            pl.col("cash_date"),
            move(_MOVED),
        ),
        {"told_date": "cash_date", "cash_amount": "cash_amount"},
    ),
)
