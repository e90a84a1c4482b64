"""`stocks/candidates`: the ranked list of each model and session, with its reasons."""

from functools import cache

import pandera.polars as pa
import polars as pl

from pipeline.contracts.table import Table
from pipeline.venues.us_stocks import US_STOCKS
from pipeline.venues.venue import Venue

CONTRIBUTION = pl.Struct(
    {"factor": pl.String, "value": pl.Float64, "zscore": pl.Float64, "weight": pl.Float64, "contribution": pl.Float64}
)
"""One factor's part in a score: contribution = weight × z-score.

`value` is null when the ticker has none for the factor; its z-score is then 0. No other field is ever null.
"""

ROUNDING = 1e-12
"""Largest difference between a score and the sum of its contributions."""


class Candidate(pa.DataFrameModel):
    """A ticker that a model ranks among the best of a session."""

    model: str = pa.Field(description="Name of the model.")
    model_version: pl.Int32 = pa.Field(ge=1, description="Version of the model's declaration.")
    session: pl.Date = pa.Field(description="Session whose close the ranking uses.")
    rank: pl.Int32 = pa.Field(ge=1, description="1 is best.")
    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker as the vendor writes it; case matters.")
    score: float = pa.Field(description="Sum of the factors' contributions.")
    close: float = pa.Field(gt=0, description="Close of the session, USD as traded.")
    contributions: pl.List(CONTRIBUTION) = pa.Field(description="Each factor's part in the score, in order.")  # type: ignore[valid-type]
    reasons: pl.List(pl.String) = pa.Field(description="Why it is on the list, in words, strongest first.")  # type: ignore[valid-type]
    scanned: pl.Int32 = pa.Field(ge=1, description="Tickers with a bar that session.")
    passed: pl.Int32 = pa.Field(ge=1, description="Tickers that passed the model's universe filters.")
    left_out: pl.Int32 = pa.Field(
        ge=0,
        nullable=True,
        description="Tickers that passed every other filter and are not ranked, since their prices are in doubt within "
        "the look-back; null in lists of versions that did not count them.",
    )
    left_out_reasons: pl.List(pl.String) = pa.Field(  # type: ignore[valid-type]
        nullable=True, description="The tickers left out, each with the likely reading of its prices, in words."
    )

    @pa.dataframe_check(name="score_is_the_finite_sum_of_its_contributions")
    def _score_adds_up(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        each = pl.col("contributions").list.eval(pl.element().struct.field("contribution"))
        away = (pl.col("score") - each.list.sum()).abs()
        return data.lazyframe.select(pl.col("score").is_finite() & (away <= ROUNDING))

    @pa.dataframe_check(name="rank_at_most_passed_at_most_scanned")
    def _counts_in_order(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        return data.lazyframe.select((pl.col("rank") <= pl.col("passed")) & (pl.col("passed") <= pl.col("scanned")))

    @pa.dataframe_check(name="at_least_one_reason")
    def _has_reason(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        return data.lazyframe.select(pl.col("reasons").list.len() > 0)


@cache
def candidates(venue: Venue) -> Table:
    """Return the table of a venue."""
    return Table(
        venue=venue,
        name="candidates",
        schema=Candidate.to_schema(),
        key=("model", "session", "rank"),
        description="Ranked buy candidates of each model and session, with every factor's contribution and the "
        "reasons.",
        may_be_empty=True,
    )


CANDIDATES = candidates(US_STOCKS)
