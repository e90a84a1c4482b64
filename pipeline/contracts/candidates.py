"""`stocks/candidates`: the ranked list of each model and session, with its reasons."""

import pandera.polars as pa
import polars as pl

from pipeline.contracts.table import Table

CONTRIBUTION = pl.Struct(
    {"factor": pl.String, "value": pl.Float64, "zscore": pl.Float64, "weight": pl.Float64, "contribution": pl.Float64}
)
"""What one factor added to a score: contribution = weight × z-score."""


class Candidate(pa.DataFrameModel):
    """A ticker that a model ranks among the best of a session."""

    model: str = pa.Field(description="Name of the model.")
    model_version: pl.Int32 = pa.Field(ge=1, description="Version of the model's declaration.")
    session: pl.Date = pa.Field(description="Session whose close the ranking uses.")
    rank: pl.Int32 = pa.Field(ge=1, description="1 is best.")
    ticker: str = pa.Field(str_length={"min_value": 1}, description="Ticker as the vendor writes it; case matters.")
    score: float = pa.Field(description="Sum of the factors' contributions.")
    close: float = pa.Field(gt=0, description="Close of the session, USD as traded.")
    contributions: pl.List(CONTRIBUTION) = pa.Field(description="Each factor's value, z-score, weight, contribution.")  # type: ignore[valid-type]
    reasons: pl.List(pl.String) = pa.Field(description="Why it is on the list, in words, strongest first.")  # type: ignore[valid-type]
    scanned: pl.Int32 = pa.Field(ge=1, description="Tickers with a bar that session.")
    passed: pl.Int32 = pa.Field(ge=1, description="Tickers that passed the model's universe filters.")


CANDIDATES = Table(
    market="stocks",
    name="candidates",
    schema=Candidate.to_schema(),
    key=("model", "session", "rank"),
    description="Ranked buy candidates of each model and session, with every factor's contribution and the reasons.",
    may_be_empty=True,
)
