"""`stocks/price_doubts`: where prices and the vendor's splits and dividends contradict each other."""

import math
from functools import cache

import pandera.polars as pa
import polars as pl

from pipeline.contracts.table import Table
from pipeline.venues.us_stocks import US_STOCKS
from pipeline.venues.venue import Venue

SPLIT_MISSING = "split_missing"
SPLIT_SHIFTED = "split_shifted"
SPLIT_TOLD_TWICE = "split_told_twice"
SPLIT_WRONG_RATIO = "split_wrong_ratio"
SPLIT_REVERSED = "split_reversed"
SPLIT_WITHOUT_JUMP = "split_without_jump"
SPLIT_CONFLICTING = "split_conflicting"
JUMP_UNEXPLAINED = "jump_unexplained"
BAD_PRINT = "bad_print"
DIVIDEND_TOLD_TWICE = "dividend_told_twice"
DIVIDENDS_DIFFER = "dividends_differ"
DIVIDEND_WITHOUT_DROP = "dividend_without_drop"

KINDS = {
    SPLIT_MISSING: "The price jumps as by a split, and the vendor tells none.",
    SPLIT_SHIFTED: "The vendor tells a split for another day than the one of the jump.",
    SPLIT_TOLD_TWICE: "The vendor tells one split for two days, and only one of them has a jump.",
    SPLIT_WRONG_RATIO: "The price jumps on the day of a split, but not by its ratio.",
    SPLIT_REVERSED: "The price jumps by the inverse of the split's ratio.",
    SPLIT_WITHOUT_JUMP: "The vendor tells a split, and the price does not jump.",
    SPLIT_CONFLICTING: "The vendor tells several ratios for one day; none is applied.",
    JUMP_UNEXPLAINED: "The price jumps without the trading that news brings, and not by the ratio of a split: "
    "a spin-off or a special dividend, if it falls.",
    BAD_PRINT: "A price lies far from those around it, and without the trading that news brings.",
    DIVIDEND_TOLD_TWICE: "The vendor tells one dividend for two days close to each other.",
    DIVIDENDS_DIFFER: "The vendor tells several regular dividends for one day.",
    DIVIDEND_WITHOUT_DROP: "The vendor tells a large dividend, and the price does not fall.",
}
"""Kinds of doubt: code to meaning."""

NOT_RANKED = frozenset(
    {
        SPLIT_MISSING,
        SPLIT_SHIFTED,
        SPLIT_TOLD_TWICE,
        SPLIT_WRONG_RATIO,
        SPLIT_REVERSED,
        SPLIT_WITHOUT_JUMP,
        JUMP_UNEXPLAINED,
        BAD_PRINT,
    }
)
"""Kinds that keep a ticker out of the lists while they lie within the look-back: they bend its indicators.

A conflicting split does so by itself, as a split in doubt; dividends are in no indicator.
"""


class PriceDoubt(pa.DataFrameModel):
    """One contradiction. Prices are as traded; what is not known, or does not matter for the kind, is null."""

    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker as the vendor writes it; case matters.")
    session: pl.Date = pa.Field(description="Session at whose close the doubt is known.")
    kind: str = pa.Field(isin=list(KINDS), description=" ".join(f"{code}: {words}" for code, words in KINDS.items()))
    event_date: pl.Date = pa.Field(description="Day that the doubt is about: of the jump, the split or the dividend.")
    previous_session: pl.Date = pa.Field(nullable=True, description="Session of the ticker's bar before.")
    previous_close: float = pa.Field(gt=0, nullable=True, description="Close of that bar, USD as traded.")
    open: float = pa.Field(gt=0, nullable=True, description="Open of the session, USD as traded.")
    close: float = pa.Field(gt=0, nullable=True, description="Close of the session, USD as traded.")
    price_ratio: float = pa.Field(
        gt=0,
        lt=math.inf,
        nullable=True,
        description="Open of the session by the close before; of a bad high or low, that price by the nearer close.",
    )
    volume_ratio: float = pa.Field(
        ge=0,
        lt=math.inf,
        nullable=True,
        description="Shares of the session by the median of the ticker's 20 bars before.",
    )
    usual_move: float = pa.Field(
        ge=0,
        lt=math.inf,
        nullable=True,
        description="The ticker's usual move from close to close, as a log return: 1.4826 × the median of its moves' "
        "sizes over the sessions before.",
    )
    split_from: float = pa.Field(
        gt=0, lt=math.inf, nullable=True, description="Old shares of the split that the prices speak for."
    )
    split_to: float = pa.Field(
        gt=0, lt=math.inf, nullable=True, description="New shares of the split that the prices speak for."
    )
    told_date: pl.Date = pa.Field(nullable=True, description="Day for which the vendor tells the split or dividend.")
    told_from: float = pa.Field(gt=0, lt=math.inf, nullable=True, description="Old shares, as the vendor tells it.")
    told_to: float = pa.Field(gt=0, lt=math.inf, nullable=True, description="New shares, as the vendor tells it.")
    cash_amount: float = pa.Field(gt=0, nullable=True, description="Dividend a share as the vendor tells it, USD.")
    leaves_out: bool = pa.Field(description="Whether the ticker is not ranked while this lies within the look-back.")
    evidence: str = pa.Field(str_length={"min_value": 1}, description="The numbers that speak for it, in words.")
    reading: str = pa.Field(str_length={"min_value": 1}, description="What has likely happened, in words.")


@cache
def price_doubts_table(venue: Venue) -> Table:
    """Return the table of a venue."""
    return Table(
        venue=venue,
        name="price_doubts",
        schema=PriceDoubt.to_schema(),
        key=("ticker", "session", "kind", "event_date"),
        description="Where prices and the vendor's splits and dividends contradict each other, with the evidence and "
        "a likely reading; known at the close of the session.",
        may_be_empty=True,
        counted_as="price doubts",
    )


PRICE_DOUBTS = price_doubts_table(US_STOCKS)
