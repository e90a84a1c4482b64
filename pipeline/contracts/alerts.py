"""`operations/alerts`: which session's alert reached which channel, and its content."""

import pandera.polars as pa
import polars as pl

from pipeline.contracts.table import Table
from pipeline.venues.us_stocks import US_STOCKS

LIST, CORRECTION = "list", "correction"

KINDS = {
    LIST: "The session's first message.",
    CORRECTION: "The one message that follows when what the first one told has changed since.",
}
"""Code to meaning."""

MESSAGE, PAGE = "message", "page"

PARTS = {MESSAGE: "The text.", PAGE: "The page of the candidates, as a document."}
"""Code to meaning."""

LISTED = pl.Struct({"model": pl.String, "ticker": pl.String})

SELLING = pl.Struct({"ticker": pl.String, "rule": pl.String})


class SentAlert(pa.DataFrameModel):
    """A part of an alert that a channel accepted."""

    session: pl.Date = pa.Field(description="Session that the alert tells of.")
    channel: str = pa.Field(
        str_length={"min_value": 1}, description="Fingerprint of the channel's address, which cannot be read from it."
    )
    kind: str = pa.Field(isin=list(KINDS), description=" ".join(f"{code}: {words}" for code, words in KINDS.items()))
    part: str = pa.Field(isin=list(PARTS), description=" ".join(f"{code}: {words}" for code, words in PARTS.items()))
    service: str = pa.Field(description="Name of the service, such as Telegram.")
    sent_at: pl.Datetime("us", "UTC") = pa.Field(description="When the channel took it.")  # type: ignore[valid-type]
    top: pl.Int32 = pa.Field(ge=1, description="So many of each model were told.")
    listed: pl.List(LISTED) = pa.Field(description="Candidates it told, by model and ticker.")  # type: ignore[valid-type]
    selling: pl.List(SELLING) = pa.Field(description="New sell signals it told, by ticker and rule.")  # type: ignore[valid-type]
    run_id: str = pa.Field(description="Dagster run that sent it.")


ALERTS = Table(
    venue=US_STOCKS,
    area="operations",
    name="alerts",
    schema=SentAlert.to_schema(),
    key=("session", "channel", "kind", "part"),
    description="One row per alert that a channel accepted: each session is sent once, however often it runs again.",
    may_be_empty=True,
    counted_as="alerts",
    irreplaceable="nobody but this table knows what was sent",
)
