"""Reading the frames that pages are made from: their columns, and the rows of one ticker."""

from collections.abc import Iterable, Mapping

import polars as pl

from pipeline.errors import ContractBroken


def require_columns(frame: pl.DataFrame, columns: Iterable[str], what: str) -> None:
    """Raise ContractBroken, naming `what` and the columns that `frame` lacks, when it lacks any."""
    if missing := [name for name in columns if name not in frame.columns]:
        raise ContractBroken(
            f"No page was made: {what} lack {', '.join(missing)}.",
            remedy=f"They have: {', '.join(frame.columns)}. Join the tables that hold the missing columns first.",
        )


def by_ticker(frame: pl.DataFrame | None) -> Mapping[str, pl.DataFrame]:
    """Return the rows of each ticker, in the order they have; nothing when there is no frame."""
    if frame is None:
        return {}
    return {str(ticker): rows for (ticker,), rows in frame.partition_by("ticker", as_dict=True).items()}
