"""Doubts about prices and splits for people: what is in doubt, why, and the command that rules on it."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from pipeline.cli.terminal import count_text, one_line, out, say, shortened
from pipeline.contracts.price_doubts import (
    BAD_PRINT,
    JUMP_UNEXPLAINED,
    SPLIT_CONFLICTING,
    SPLIT_MISSING,
    SPLIT_REVERSED,
    SPLIT_SHIFTED,
    SPLIT_TOLD_TWICE,
    SPLIT_WITHOUT_JUMP,
    SPLIT_WRONG_RATIO,
)
from pipeline.contracts.reference import DOUBTS

ADDED = (SPLIT_MISSING, SPLIT_WRONG_RATIO, SPLIT_REVERSED)
"""Kinds whose likely reading is a split to add: it takes the place of what the vendor tells for that day."""

NOT_THERE = (SPLIT_TOLD_TWICE, SPLIT_WITHOUT_JUMP)
"""Kinds whose likely reading is that a split of the vendor did not happen on its day."""

AS_THEY_ARE = (JUMP_UNEXPLAINED, BAD_PRINT)
"""Kinds on which the ruling can be that the prices are right, and no split happened."""

Row = dict[str, Any]


def show(session: date, doubts: pl.DataFrame, splits: pl.DataFrame, rulings: pl.DataFrame) -> None:
    """Draw the doubts in the window of `session`, the splits that are not applied, and the rulings in force."""
    for row in doubts.iter_rows(named=True):
        draw(row)
    # A doubt about the prices of that day has said more of them.
    day = ["ticker", "execution_date"]
    drawn = doubts.filter(pl.col("kind") == SPLIT_CONFLICTING).select("ticker", execution_date="event_date")
    for row in splits.join(drawn, on=day, how="anti", maintain_order="left").iter_rows(named=True):
        draw_split(row)
    if doubts.is_empty() and splits.is_empty():
        say(f"Nothing is in doubt as of {session}.")
    else:
        tickers = pl.concat([doubts.filter("leaves_out")["ticker"], splits["ticker"]]).n_unique()
        say(f"{count_text(tickers, 'tickers')} left out of the lists of {session}, while this lies in their look-back.")
    if len(rulings):
        say("Your rulings:")
    for row in rulings.iter_rows(named=True):
        say(f"  {ruling_text(row)}")


def draw(row: Row) -> None:
    """Draw one doubt: its reading, the numbers, and what to type if the reading is right."""
    out_line(f"{shortened(row['ticker'])} {row['event_date']}  {row['reading']}", style="bold")
    out_line(f"  {row['evidence']}")
    unless = "If the price is right all the same: " if row["kind"] in AS_THEY_ARE else ""
    for command in commands_for(row):
        out_line(f"  {unless}{command}", style="cyan")


def draw_split(row: Row) -> None:
    """Draw one split that is in doubt by itself."""
    ratio = " → ".join("unknown" if row[side] is None else f"{row[side]:g}" for side in ("split_from", "split_to"))
    out_line(f"{shortened(row['ticker'])} {row['execution_date']}  split {ratio} is not applied", style="bold")
    out_line(f"  {row['doubt']}: {DOUBTS[row['doubt']]}")
    if row["split_from"] and row["split_to"]:
        out_line(f"  {typed('confirm', row['ticker'], row['execution_date'], row['split_from'], row['split_to'])}")
    out_line(f"  {typed('reject', row['ticker'], row['execution_date'])}", style="cyan")


def commands_for(row: Row) -> Iterator[str]:
    """Yield the commands that rule as the likely reading says."""
    ticker, day, told = row["ticker"], row["event_date"], row["told_date"] or row["event_date"]
    ratio = (row["split_from"], row["split_to"])
    if row["kind"] == SPLIT_SHIFTED:
        yield typed("reject", ticker, told)
    if row["kind"] in (*ADDED, SPLIT_SHIFTED) and all(ratio):
        yield typed("add", ticker, day, *ratio)
    elif row["kind"] == SPLIT_CONFLICTING and all(ratio) and ratio[0] != ratio[1]:
        yield typed("confirm", ticker, told, *ratio)
    elif row["kind"] in (*NOT_THERE, SPLIT_CONFLICTING):
        yield typed("reject", ticker, told)
    elif row["kind"] in AS_THEY_ARE:
        yield typed("reject", ticker, day)


def typed(verdict: str, ticker: str, day: date, *ratio: float) -> str:
    """Return the command of a ruling."""
    return " ".join(["candlelake splits", verdict, ticker, str(day), *(f"{side:.15g}" for side in ratio)])


def ruling_text(row: Row) -> str:
    """Return a ruling in a line: what, by whom and when."""
    ratio = "" if row["split_from"] is None else f" {row['split_from']:g} → {row['split_to']:g}"
    note = f": {row['note']}" if row["note"] else ""
    by = f"{row['ruled_by']}, {row['ruled_at']:%Y-%m-%d %H:%M} UTC"
    return one_line(f"{row['ticker']} {row['execution_date']} {row['verdict']}{ratio}  ({by}){note}")


def out_line(text: str, style: str = "") -> None:
    """Write a line of data to stdout."""
    indent = text[: len(text) - len(text.lstrip())]
    out().print(indent + one_line(text), style=style, soft_wrap=True)
