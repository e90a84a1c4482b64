"""Positions as a table for people: one line per position, with its signals below, and the sums."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from pipeline.cli.columns import GAP, fitting, widths_of
from pipeline.cli.terminal import count_text, one_line, out, say, shortened

if TYPE_CHECKING:
    import polars as pl
    from rich.text import Text

WIDE = 100
"""Columns of a terminal from which the entry and the sessions held are shown, too."""

STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan"}
"""How a signal is drawn, by its severity."""

DOUBT = "magenta"
"""How a doubt about the value is drawn."""

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

LEFT_OUT = (*ONLY_WIDE, "target", "to stop", "", "shares", "#", "close")
"""Columns that go first where they do not fit; value and profit stay."""

WHOLE_BELOW = 80
"""Columns of a terminal below which remarks are wrapped: they name stops and prices. A wider one cuts them."""

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
    "note": lambda row: "; ".join(filter(None, ("DNR" if row["do_not_reduce"] else "", one_line(row["note"] or "")))),
}
"""The same for the history."""

LEFT_OUT_OF_HISTORY = ("note", "target", "stop", "recorded", "session", "#", "event")
"""The same for the history: shares and price stay."""

LEFT = ("recorded", "event", "ticker", "session", "note")
"""Columns of text, aligned left; numbers are aligned right."""


def draw(session: date, rows: list[Row]) -> None:
    """Draw the positions, each with `signals`, as of `session`. No number is cut, however narrow the terminal."""
    console = out()
    lines = [{name: cell(row) for name, cell in COLUMNS.items()} for row in rows]
    total = _total(rows)
    every = widths_of([*lines, total], [name for name in COLUMNS if console.width >= WIDE or name not in ONLY_WIDE])
    widths = {name: every[name] for name in fitting(every, LEFT_OUT, console.width)}
    console.print(f"positions · {session}", style="bold")
    console.print(_line({name: name for name in widths}, widths, "dim"), soft_wrap=True)
    for row, line in zip(rows, lines, strict=True):
        text = _line(line, widths)
        gain = text.plain.find(line["profit"])
        text.stylize("green" if row["profit"] >= 0 else "red", gain, gain + len(line["profit"]))
        console.print(text, soft_wrap=True)
        for remark, style in _remarks(row, session):
            for words in _in_lines(remark, every["#"] + GAP, console.width):
                console.print(words, style=style, no_wrap=True, overflow="ellipsis")
    if len(rows) > 1:
        console.print(_line(total, widths, "bold"), soft_wrap=True)
        in_doubt = sorted({shortened(row["ticker"]) for row in rows if row["in_doubt"]})
        if in_doubt:
            remark = f"in the total: what is in doubt of {', '.join(in_doubt)}"
            for words in _in_lines(remark, every["#"] + GAP, console.width):
                console.print(words, style=DOUBT, no_wrap=True, overflow="ellipsis")


def _in_lines(remark: str, indent: int, width: int) -> Iterator[str]:
    """Yield a remark as indented lines: several on a narrow terminal, else one, which may be too long."""
    if width >= WHOLE_BELOW:
        yield " " * indent + remark
        return
    yield from wrap(
        " ".join(remark.split()), width, initial_indent=" " * indent, subsequent_indent=" " * (indent + GAP)
    )


def _line(cells: Mapping[str, str], widths: Mapping[str, int], style: str = "") -> "Text":
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
        remarks.append((f"no bar since it was opened on {row['opened']}: shown at the price paid", DOUBT))
    elif row["delisted_on"]:
        remarks.append((f"delisted on {row['delisted_on']}; last close {row['priced_on']}", DOUBT))
    elif row["no_bar"]:
        remarks.append((f"no bar on {session}: halted or delisted; last close {row['priced_on']}", DOUBT))
    if row["bought_as"]:
        remarks.append((f"bought as {shortened(row['bought_as'])}", "dim"))
    remarks += [(one_line(doubt), DOUBT) for doubt in row["in_doubt"]]
    for signal in row["signals"]:
        new = "new" if signal["is_new"] else "   "
        words = one_line("; ".join(signal["reasons"]))
        remarks.append((f"{signal['severity']:<6}  {new}  {words}", STYLES[signal["severity"]]))
    if row["do_not_reduce"]:
        remarks.append(("do not reduce: dividends leave its stop and peak as they are", "dim"))
    if row["note"]:
        remarks.append((one_line(row["note"]), "dim"))
    return remarks


def _total(rows: list[Row]) -> dict[str, str]:
    value, profit, cost = (sum(row[name] for row in rows) for name in ("value", "profit", "cost"))
    return {"ticker": "total", "value": f"{value:,.2f}", "profit": f"{profit:+,.2f}", "": share(profit / cost)}


def draw_history(history: "pl.DataFrame") -> None:
    """Draw every event, in the order of recording. A long note is cut, and no number."""
    console = out()
    rows = history.sort("recorded_at", "position", "revision").to_dicts()
    lines = [{name: cell(row) for name, cell in EVENT_COLUMNS.items()} for row in rows]
    every = widths_of(lines, EVENT_COLUMNS)
    shown = fitting({**every, "note": len("note")}, LEFT_OUT_OF_HISTORY, console.width)
    widths = {name: every[name] for name in shown}
    for line, style in (({name: name for name in widths}, "dim"), *((line, "") for line in lines)):
        text = _line(line, widths, style)
        if "note" in widths:
            text.truncate(console.width, overflow="ellipsis")
        console.print(text, soft_wrap=True)


def say_realised(sold: "pl.DataFrame") -> None:
    """Report the profit of sold positions."""
    if len(sold):
        say(f"{count_text(len(sold), 'positions')} sold: {gain(sold)}", style="dim")


def gain(sold: "pl.DataFrame") -> str:
    """Return the profit of sold positions, in USD and as a share of their cost."""
    sums = sold.sum().row(0, named=True)
    return f"{sums['profit']:+,.2f} ({share(sums['profit'] / sums['cost'])})"
