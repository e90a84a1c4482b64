"""`portfolio/…`: a user's positions, their value at every session, and the reasons to sell them."""

import math

import pandera.polars as pa
import polars as pl

from pipeline.contracts.table import Table
from pipeline.venues.us_stocks import US_STOCKS

EVENTS = {
    "opened": "It was bought.",
    "changed": "Its stop, target or note was changed.",
    "reduced": "A part of it was sold; the part is a closed position of its own.",
    "closed": "All of it was sold.",
    "removed": "It was recorded by mistake.",
}
"""Event of a position's revision: code to meaning."""

SEVERITIES = ("high", "medium", "low")
"""Urgency of a sell signal, the most urgent first."""

SESSION_SHARES = "on the share basis of the session"
LARGEST = 2.0**53


class Position(pa.DataFrameModel):
    """A position (long, fractional shares allowed) after one event. The newest revision is in force."""

    position: pl.Int64 = pa.Field(ge=1, description="Number of the position, counted from 1.")
    revision: pl.Int32 = pa.Field(ge=1, description="1 when it was first recorded, then one more for each event.")
    event: str = pa.Field(isin=list(EVENTS), description="What happened: " + ", ".join(EVENTS) + ".")
    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker as the vendor writes it; case matters.")
    quantity: float = pa.Field(
        gt=0, lt=LARGEST, description="Shares, as on the day it was opened, by the splits known when it was recorded."
    )
    price: float = pa.Field(gt=0, lt=LARGEST, description="Price paid a share, USD as traded.")
    commission: float = pa.Field(ge=0, lt=LARGEST, description="Commission paid when it was opened, USD.")
    opened: pl.Date = pa.Field(description="Session on which it was bought.")
    stop: float = pa.Field(nullable=True, gt=0, lt=LARGEST, description="Sell when it falls to this, USD.")
    target: float = pa.Field(nullable=True, gt=0, lt=LARGEST, description="Sell when it rises to this, USD.")
    terms_from: pl.Date = pa.Field(description="Session from which stop and target hold, and on whose shares they are.")
    note: str = pa.Field(nullable=True, description="The user's own words.")
    closed: pl.Date = pa.Field(nullable=True, description="Session on which it was sold; null while it is held.")
    closing_price: float = pa.Field(
        nullable=True, ge=0, lt=LARGEST, description="Price got a share, USD as traded; 0 when it became worthless."
    )
    closing_commission: float = pa.Field(
        nullable=True, ge=0, lt=LARGEST, description="Commission paid when it was sold, USD."
    )
    split_off_from: pl.Int64 = pa.Field(nullable=True, ge=1, description="The position that it is the sold part of.")
    recorded_at: pl.Datetime("us", "UTC") = pa.Field(description="When the event was recorded (UTC).")  # type: ignore[valid-type]
    entry: pl.Int64 = pa.Field(
        nullable=True, ge=1, description="Number of the command that recorded it, counted from 1; null in old rows."
    )
    sale_quantity: float = pa.Field(
        nullable=True, gt=0, lt=LARGEST, description="Shares of the sale as typed, on its day; null when all was sold."
    )
    sale_position: pl.Int64 = pa.Field(
        nullable=True, ge=1, description="The one position the sale was asked of; null when the oldest were sold first."
    )
    sale_part: pl.Int64 = pa.Field(
        nullable=True, ge=1, description="Number kept for the part that the sale leaves of no position whole."
    )
    stop_from: pl.Date = pa.Field(nullable=True, description="Session on whose shares the stop was typed.")
    target_from: pl.Date = pa.Field(nullable=True, description="Session on whose shares the target was typed.")
    do_not_reduce: bool = pa.Field(
        nullable=True, description="Whether dividends leave its stop and peak as they are; null in old rows, and is no."
    )

    @pa.dataframe_check(name="closed_with_price_and_commission_when_its_event_says_so")
    def _closed_whole(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        is_closed = pl.col("closed").is_not_null()
        whole = [pl.col(name).is_not_null() == is_closed for name in ("closing_price", "closing_commission")]
        says_so = is_closed | (pl.col("event") != "closed")
        return data.lazyframe.select(pl.all_horizontal(*whole, says_so))

    @pa.dataframe_check(name="opened_before_its_terms_hold_and_it_is_closed")
    def _in_order(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        opened = pl.col("opened")
        return data.lazyframe.select((opened <= pl.col("terms_from")) & (opened <= pl.col("closed").fill_null(opened)))

    @pa.dataframe_check(name="stop_below_target")
    def _stop_below_target(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        return data.lazyframe.select((pl.col("stop") < pl.col("target")).fill_null(value=True))


class PositionMark(pa.DataFrameModel):
    """The value of a position at the close of a session."""

    position: pl.Int64 = pa.Field(ge=1, description="Number of the position.")
    session: pl.Date = pa.Field(description="Session at whose close it is valued.")
    ticker: str = pa.Field(
        str_length={"min_value": 1}, description="Ticker of the security on the session, or its last one before."
    )
    quantity: float = pa.Field(ge=0, lt=math.inf, description=f"Shares held at the close, {SESSION_SHARES}.")
    entry: float = pa.Field(gt=0, lt=math.inf, description=f"Price paid a share, USD, {SESSION_SHARES}.")
    close: float = pa.Field(
        gt=0, lt=math.inf, description=f"Last close since it was opened, else the price paid; USD, {SESSION_SHARES}."
    )
    priced_on: pl.Date = pa.Field(nullable=True, description="Session of that close; null when there was none yet.")
    no_bar: bool = pa.Field(description="Whether the security has no bar on the session: halted or delisted.")
    bought_as: str = pa.Field(nullable=True, description="Ticker it was bought under, where it has another now.")
    delisted_on: pl.Date = pa.Field(
        nullable=True, description="Day from which the security is no longer listed; null while it is, or trades."
    )
    cost: float = pa.Field(ge=0, lt=math.inf, description="Paid for it, with the opening commission, USD.")
    value: float = pa.Field(ge=0, lt=math.inf, description="quantity × close, USD; 0 when it was sold that session.")
    unrealised: float = pa.Field(gt=-math.inf, lt=math.inf, description="value − cost while it is held, else 0; USD.")
    realised: float = pa.Field(
        gt=-math.inf,
        lt=math.inf,
        description="Proceeds − both commissions − price paid, USD, on the session it was sold; before that 0.",
    )
    dividends: float = pa.Field(
        ge=0, lt=math.inf, description="Cash dividends with an ex-date since the day after it was opened, untaxed, USD."
    )
    profit: float = pa.Field(gt=-math.inf, lt=math.inf, description="unrealised + realised + dividends, USD.")
    stop: float = pa.Field(
        nullable=True, gt=0, lt=math.inf, description=f"Stop in force, lowered by dividends; USD, {SESSION_SHARES}."
    )
    target: float = pa.Field(nullable=True, gt=0, lt=math.inf, description=f"Target in force, USD, {SESSION_SHARES}.")
    to_stop: float = pa.Field(nullable=True, ge=-1, lt=math.inf, description="stop / close − 1.")
    to_target: float = pa.Field(nullable=True, ge=-1, lt=math.inf, description="target / close − 1.")
    peak: float = pa.Field(
        gt=0,
        lt=math.inf,
        description=f"Highest of the price paid and the closes since, lowered by dividends; USD, {SESSION_SHARES}.",
    )
    drawdown: float = pa.Field(ge=-1, le=0, description="close / peak − 1.")
    sessions_held: pl.Int32 = pa.Field(ge=0, description="Sessions of the exchange since the one it was opened on.")
    is_closed: bool = pa.Field(description="Whether it was sold on the session; its last row.")
    stop_before_dividends: float = pa.Field(
        nullable=True,
        gt=0,
        lt=math.inf,
        description=f"The stop as it was set, USD, {SESSION_SHARES}; this and the next three are null when no dividend "
        "lowered it.",
    )
    stop_dividends: pl.Int32 = pa.Field(nullable=True, ge=1, description="How many dividends lowered the stop.")
    stop_lowered_by: float = pa.Field(
        nullable=True, gt=0, lt=math.inf, description=f"The sum of those dividends, USD a share, {SESSION_SHARES}."
    )
    stop_lowered_on: pl.Date = pa.Field(nullable=True, description="The newest of their ex-dates.")
    peak_before_dividends: float = pa.Field(
        nullable=True,
        gt=0,
        lt=math.inf,
        description=f"The peak as it was paid or closed at, USD, {SESSION_SHARES}; this and the next three are null "
        "when no dividend lowered it.",
    )
    peak_dividends: pl.Int32 = pa.Field(nullable=True, ge=1, description="How many dividends lowered the peak.")
    peak_lowered_by: float = pa.Field(
        nullable=True, gt=0, lt=math.inf, description=f"The sum of those dividends, USD a share, {SESSION_SHARES}."
    )
    peak_lowered_on: pl.Date = pa.Field(nullable=True, description="The newest of their ex-dates.")

    @pa.dataframe_check(name="profit_is_the_sum_of_its_parts")
    def _adds_up(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        parts = pl.col("unrealised") + pl.col("realised") + pl.col("dividends")
        return data.lazyframe.select(pl.col("profit") == parts)


class SellSignal(pa.DataFrameModel):
    """A rule that says, on a session, to sell a position."""

    position: pl.Int64 = pa.Field(ge=1, description="Number of the position.")
    session: pl.Date = pa.Field(description="Session whose bar and indicators the rule looks at.")
    rule: str = pa.Field(str_length={"min_value": 1}, description="Name of the rule.")
    rule_version: pl.Int32 = pa.Field(ge=1, description="Version of the rule's declaration.")
    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker as the vendor writes it; case matters.")
    severity: str = pa.Field(isin=list(SEVERITIES), description="How urgent it is: " + ", ".join(SEVERITIES) + ".")
    is_new: bool = pa.Field(description="Whether the rule did not say so on the session before.")
    value: float = pa.Field(gt=-math.inf, lt=math.inf, description="What the rule looks at.")
    threshold: float = pa.Field(gt=-math.inf, lt=math.inf, description="What the value is compared with.")
    reasons: pl.List(pl.String) = pa.Field(description="Why to sell, in words.")  # type: ignore[valid-type]

    @pa.dataframe_check(name="at_least_one_reason")
    def _has_reason(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        return data.lazyframe.select(pl.col("reasons").list.len() > 0)


POSITIONS = Table(
    venue=US_STOCKS,
    area="portfolio",
    name="positions",
    schema=Position.to_schema(),
    key=("position", "revision"),
    description="Positions as the user records them: a row for every opening, change and sale; none is ever rewritten.",
    may_be_empty=True,
    session=None,
    irreplaceable="only you know what you bought and sold",
)

POSITION_MARKS = Table(
    venue=US_STOCKS,
    area="portfolio",
    name="position_marks",
    schema=PositionMark.to_schema(),
    key=("position", "session"),
    description="Every position held at each session: shares after splits, value, profit, distance to stop and target.",
    may_be_empty=True,
)

SIGNALS = Table(
    venue=US_STOCKS,
    area="portfolio",
    name="signals",
    schema=SellSignal.to_schema(),
    key=("position", "session", "rule"),
    description="Reasons to sell what is held, by position, session and rule, with their severity, in words.",
    may_be_empty=True,
    counted_as="signals",
)
