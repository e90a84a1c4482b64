"""Access to the frames for pages: their columns, and the rows of one ticker."""

from collections.abc import Iterable, Mapping

import polars as pl

from pipeline.errors import ContractBroken


def require_columns(frame: pl.DataFrame, columns: Iterable[str], subject: str) -> None:
    """Raise ContractBroken, naming `subject` and the missing columns, if `frame` lacks any of `columns`."""
    if missing := [name for name in columns if name not in frame.columns]:
        raise ContractBroken(
            f"No page was written: {subject} lack {', '.join(missing)}.",
            remedy=f"They have: {', '.join(frame.columns)}. Join the tables that have the missing columns first.",
        )


def by_ticker(frame: pl.DataFrame | None) -> Mapping[str, pl.DataFrame]:
    """Return the rows of each ticker, in their order; empty without a frame."""
    if frame is None:
        return {}
    return {str(ticker): rows for (ticker,), rows in frame.partition_by("ticker", as_dict=True).items()}
