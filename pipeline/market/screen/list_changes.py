"""List changes of a session that was ranked again: tickers that entered a model's list, left it, or moved. Pure."""

import polars as pl

LISTED = ("session", "model", "ticker", "rank")
"""Columns of `stocks/candidates` that are compared."""

ENTERED, LEFT, MOVED = "entered", "left", "moved"

MOST_LISTED = 5
"""Most tickers listed of each kind; the others are counted."""


def list_changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Return the tickers that entered, left or moved on the lists `after`, compared with the replaced lists `before`.

    Both have at least the columns of LISTED. Columns: session, model, change, ticker, old_rank, new_rank; the first
    rank is null for a ticker that entered, the second for one that left. By session and model, the best rank first. A
    session without a list in `before` is ranked for the first time, and has no changes.
    """
    was = before.select("session", "model", "ticker", old_rank="rank")
    now = after.select("session", "model", "ticker", new_rank="rank").join(was, on="session", how="semi")
    old, new = pl.col("old_rank"), pl.col("new_rank")
    change = pl.when(old.is_null()).then(pl.lit(ENTERED)).when(new.is_null()).then(pl.lit(LEFT)).when(old != new)
    return (
        was.join(now, on=["session", "model", "ticker"], how="full", coalesce=True)
        .select("session", "model", change.then(pl.lit(MOVED)).alias("change"), "ticker", "old_rank", "new_rank")
        .drop_nulls("change")
        .sort("session", "model", pl.min_horizontal("old_rank", "new_rank"), "ticker")
    )


def in_words(changed: pl.DataFrame) -> str:
    """Return the changes of one session on one line: `trend: +AAPL −MSFT, 2 moved; pullback: +IBM`. Empty for none."""
    models = changed.partition_by("model", as_dict=True, maintain_order=True)
    return "; ".join(f"{model}: {_of_model(rows)}" for (model,), rows in models.items())


def _of_model(changed: pl.DataFrame) -> str:
    entered, left = (changed.filter(pl.col("change") == kind)["ticker"].to_list() for kind in (ENTERED, LEFT))
    moved = int((changed["change"] == MOVED).sum())
    names = " ".join([*_signed("+", entered), *_signed("−", left)])
    return ", ".join(part for part in (names, f"{moved:,} moved" if moved else "") if part)


def _signed(sign: str, tickers: list[str]) -> list[str]:
    more = [f"{sign}{len(tickers) - MOST_LISTED} more"] if len(tickers) > MOST_LISTED else []
    return [f"{sign}{ticker}" for ticker in tickers[:MOST_LISTED]] + more
