"""`reference/split_rulings`: what the user says of splits, and when."""

import math

import pandera.polars as pa
import polars as pl

from pipeline.contracts.reference import Moment
from pipeline.contracts.table import Table
from pipeline.venues.us_stocks import US_STOCKS

CONFIRM, REJECT, ADD, WITHDRAW = "confirm", "reject", "add", "withdraw"

VERDICTS = {
    CONFIRM: "The vendor's split is right; any other ratio of that day is wrong.",
    REJECT: "There was no split on that day.",
    ADD: "There was this split, which the vendor does not tell; any other ratio of that day is wrong.",
    WITHDRAW: "The ruling before no longer holds: the vendor's word counts again.",
}
"""What a ruling says: code to meaning."""

WITH_A_RATIO = (CONFIRM, ADD)
"""Verdicts that name a ratio."""


class SplitRuling(pa.DataFrameModel):
    """A ruling. The newest one of a ticker and day holds."""

    number: pl.Int64 = pa.Field(ge=1, description="Number of the ruling in this lake, in the order of recording.")
    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker as the vendor writes it; case matters.")
    execution_date: pl.Date = pa.Field(description="First day that trades in new shares, or the day without a split.")
    verdict: str = pa.Field(isin=list(VERDICTS), description="What you say: " + ", ".join(VERDICTS))
    split_from: float = pa.Field(
        nullable=True, gt=0, lt=math.inf, description="Old shares; null unless you confirm or add."
    )
    split_to: float = pa.Field(
        nullable=True, gt=0, lt=math.inf, description="New shares; null unless you confirm or add."
    )
    ruled_at: Moment = pa.Field(description="When it was recorded (UTC).")  # type: ignore[valid-type]
    ruled_by: str = pa.Field(str_length={"min_value": 1}, description="Who recorded it.")
    note: str = pa.Field(nullable=True, description="Your own words.")

    @pa.dataframe_check(name="a_ratio_where_the_verdict_names_one")
    def _has_ratio(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        named = pl.col("verdict").is_in(WITH_A_RATIO)
        sides = pl.col("split_from", "split_to").is_not_null()
        return data.lazyframe.select(pl.all_horizontal(sides == named))


SPLIT_RULINGS = Table(
    venue=US_STOCKS,
    area="reference",
    name="split_rulings",
    schema=SplitRuling.to_schema(),
    key=("number",),
    description="What you ruled on splits, who did and when; none is ever rewritten, and the newest of a day holds.",
    may_be_empty=True,
    session=None,
    irreplaceable="only you know why; `candlelake splits export` keeps a copy",
)
