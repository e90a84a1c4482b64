"""Positions as a table for people: one line per position, with its signals below, and the sums."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.cli.terminal import count_text, one_line, out, say, shortened

if TYPE_CHECKING:
    import polars as pl
    from rich.text import Text

WIDE = 100
"""Columns of a terminal from which the entry and the sessions held are shown, too."""

STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan"}
"""How a signal is drawn, by its severity."""

Row = dict[str, Any]


def amount(number: float) -> str:
    """Return an amount or price: `1,234.50`, below 1 with four decimals."""
    return f"{number:,.2f}" if number == 0 or abs(number) >= 1 else f"{number:,.4f}"


def share(number: float | None) -> str:
    """Return a share as a signed percentage."""
    return "" if number is None else f"{100 * number:+,.1f} %"


COLUMNS: dict[str, Callable[[Row], str]] = {
    "#": lambda row: str(row["position"]),
    "ticker": lambda row: shortened(row["ticker"]),
    "shares": lambda row: f"{row['quantity']:,.10g}",
    "entry": lambda row: amount(row["entry"]),
    "close": lambda row: amount(row["close"]),
    "value": lambda row: f"{row['value']:,.2f}",
    "profit": lambda row: f"{row['profit']:+,.2f}",
    "": lambda row: share(row["profit"] / row["cost"]),
    "to stop": lambda row: share(row["to_stop"]),
    "target": lambda row: share(row["to_target"]),
    "held": lambda row: str(row["sessions_held"]),
}
"""Heading of each column to its cell."""

ONLY_WIDE = ("entry", "held")

SESSION_OF = {"closed": "closed", "changed": "terms_from"}
"""The column with the day of an event; other events have the day of the opening."""

EVENT_COLUMNS: dict[str, Callable[[Row], str]] = {
    "recorded": lambda row: f"{row['recorded_at']:%Y-%m-%d}",
    "#": lambda row: str(row["position"]),
    "event": lambda row: row["event"],
    "ticker": lambda row: shortened(row["ticker"]),
    "shares": lambda row: f"{row['quantity']:,.10g}",
    "price": lambda row: amount(row["closing_price" if row["event"] == "closed" else "price"]),
    "session": lambda row: str(row[SESSION_OF.get(row["event"], "opened")]),
    "stop": lambda row: "" if row["stop"] is None else amount(row["stop"]),
    "target": lambda row: "" if row["target"] is None else amount(row["target"]),
    "note": lambda row: one_line(row["note"] or ""),
}
"""The same for the history."""

LEFT = ("recorded", "event", "ticker", "session", "note")
"""Columns of text, aligned left; numbers are aligned right."""


def draw(session: date, rows: list[Row]) -> None:
    """Draw the positions, each with `signals`, as of `session`."""
    console = out()
    shown = {name: cell for name, cell in COLUMNS.items() if console.width >= WIDE or name not in ONLY_WIDE}
    lines = [{name: cell(row) for name, cell in shown.items()} for row in rows]
    total = _total(rows)
    widths = {name: max(len(name), *(len(line.get(name, "")) for line in (*lines, total))) for name in shown}
    console.print(f"positions · {session}", style="bold")
    console.print(_line({name: name for name in shown}, widths, "dim"), no_wrap=True, overflow="ellipsis")
    for row, line in zip(rows, lines, strict=True):
        text = _line(line, widths)
        gain = text.plain.find(line["profit"])
        text.stylize("green" if row["profit"] >= 0 else "red", gain, gain + len(line["profit"]))
        console.print(text, no_wrap=True, overflow="ellipsis")
        for remark, style in _remarks(row, session):
            console.print(" " * (widths["#"] + 2) + remark, style=style, no_wrap=True, overflow="ellipsis")
    if len(rows) > 1:
        console.print(_line(total, widths, "bold"), no_wrap=True, overflow="ellipsis")


def _line(cells: dict[str, str], widths: dict[str, int], style: str = "") -> "Text":
    from rich.text import Text

    aligned = [
        f"{cells.get(name, ''):<{width}}" if name in LEFT else f"{cells.get(name, ''):>{width}}"
        for name, width in widths.items()
    ]
    return Text("  ".join(aligned).rstrip(), style=style)


def _remarks(row: Row, session: date) -> list[tuple[str, str]]:
    """Return the remarks on a position, each with its style."""
    remarks = []
    if row["no_bar"] and row["priced_on"] is None:
        remarks.append((f"no bar since it was opened on {row['opened']}: shown at the price paid", "magenta"))
    elif row["delisted_on"]:
        remarks.append((f"delisted on {row['delisted_on']}; last close {row['priced_on']}", "magenta"))
    elif row["no_bar"]:
        remarks.append((f"no bar on {session}: halted or delisted; last close {row['priced_on']}", "magenta"))
    if row["bought_as"]:
        remarks.append((f"bought as {shortened(row['bought_as'])}", "dim"))
    for signal in row["signals"]:
        new = "new" if signal["is_new"] else "   "
        words = one_line("; ".join(signal["reasons"]))
        remarks.append((f"{signal['severity']:<6}  {new}  {words}", STYLES[signal["severity"]]))
    if row["note"]:
        remarks.append((one_line(row["note"]), "dim"))
    return remarks


def _total(rows: list[Row]) -> dict[str, str]:
    value, profit, cost = (sum(row[name] for row in rows) for name in ("value", "profit", "cost"))
    return {"ticker": "total", "value": f"{value:,.2f}", "profit": f"{profit:+,.2f}", "": share(profit / cost)}


def draw_history(history: "pl.DataFrame") -> None:
    """Draw every event, in the order of recording."""
    console = out()
    rows = history.sort("recorded_at", "position", "revision").to_dicts()
    lines = [{name: cell(row) for name, cell in EVENT_COLUMNS.items()} for row in rows]
    widths = {name: max(len(name), *(len(line[name]) for line in lines), 0) for name in EVENT_COLUMNS}
    for line, style in (({name: name for name in widths}, "dim"), *((line, "") for line in lines)):
        console.print(_line(line, widths, style), no_wrap=True, overflow="ellipsis")


def say_realised(sold: "pl.DataFrame") -> None:
    """Report the profit of sold positions."""
    if len(sold):
        say(f"{count_text(len(sold), 'positions')} sold: {gain(sold)}", style="dim")


def gain(sold: "pl.DataFrame") -> str:
    """Return the profit of sold positions, in USD and as a share of their cost."""
    sums = sold.sum().row(0, named=True)
    return f"{sums['profit']:+,.2f} ({share(sums['profit'] / sums['cost'])})"
