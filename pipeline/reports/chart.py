"""The chart of a ticker's page: a Bokeh document of four panes without data, built once for every page.

The document holds no number and no text of any ticker; `static/chart.js` fills its sources with what `chart_data` says
and colours it by the variables of `static/style.css`, so that one document serves all pages in both colour schemes.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from bokeh.core.json_encoder import serialize_json
from bokeh.document import Document
from bokeh.layouts import column
from bokeh.models import (
    Axis,
    BasicTicker,
    ColumnDataSource,
    FixedTicker,
    Grid,
    LinearAxis,
    NumeralTickFormatter,
    PanTool,
    Range1d,
    WheelZoomTool,
)
from bokeh.models.annotations.geometry import BoxAnnotation, Span
from bokeh.plotting import figure

from pipeline.reports.ticker_page import CHARTED

PANES = ("price", "histogram", "macd", "rsi")

COLOURS = (
    *("panel", "line", "muted", "text"),
    *("short", "long", "fast", "slow", "rsi", "band", "level", "mark"),
)
"""Variables of the stylesheet that the document uses."""

AXIS_WIDTH = 64
"""Pixels kept at the right of every pane, so that all panes share one time axis."""

BAR_WIDTH = 0.72
"""Of the distance between two bars."""

FONT = "Inter, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"


@cache
def chart_document() -> str:
    """Return the document as JSON; its colours read `var(--name)`, its sources are empty."""
    time = Range1d(start=0, end=1, name="time")
    dates = FixedTicker(ticks=[], name="dates")
    bars = _source("bars", ("x", *CHARTED, "tone", "body", "swing"))
    panes = [draw(bars, time, dates) for draw in (_price, _histogram, _macd, _rsi)]
    date_axis = LinearAxis(name="date_axis")
    date_axis.update(ticker=dates)
    _quieten(date_axis)
    panes[-1].add_layout(date_axis, "below")
    document = Document(title="")
    document.add_root(column(*panes, sizing_mode="stretch_width", spacing=0))
    return _coloured(serialize_json(document.to_json()))


def _price(bars: ColumnDataSource, time: Range1d, dates: FixedTicker) -> figure:
    pane = _pane("price", 400, time, dates)
    pane.extra_y_ranges = {
        "volume": Range1d(start=0, end=1, name="volume_range"),
        "marks": Range1d(start=0, end=1),
    }
    volume = pane.vbar("x", BAR_WIDTH, "volume", source=bars, color="tone", alpha=0.28, line_color=None)
    volume.y_range_name = "volume"
    _splits(pane)
    for level in ("support", "resistance"):
        pane.add_layout(_across(_slot("level"), name=level, location=None, line_dash="dashed"))
    pane.line("x", "sma_200", source=bars, color=_slot("long"), line_width=1.4)
    pane.line("x", "sma_50", source=bars, color=_slot("short"), line_width=1.4)
    pane.segment("x", "high", "x", "low", source=bars, color="tone", line_width=1)
    pane.vbar("x", BAR_WIDTH, "open", "close", source=bars, fill_color="body", line_color="tone", line_width=1)
    _listed(pane)
    _setups(pane)
    for side, marker in (("entry", "triangle"), ("exit", "inverted_triangle")):
        trades = _source(side, ("x", "y"))
        pane.scatter(
            "x", "y", source=trades, marker=marker, size=12, fill_color=_slot("text"), line_color=_slot("panel")
        )
    return pane


def _splits(pane: figure) -> None:
    """Draw a dotted line where a split's first day opens, and its ratio on top."""
    splits = _source("splits", ("x", "y", "ratio"))
    pane.vspan("x", source=splits, line_color=_slot("mark"), line_dash="dotted", line_width=1)
    ratio = pane.text(
        *("x", "y"),
        text="ratio",
        source=splits,
        x_offset=4,
        text_color=_slot("mark"),
        text_font={"value": FONT},
        text_font_size="11px",
        text_baseline="top",
    )
    ratio.y_range_name = "marks"


def _listed(pane: figure) -> None:
    """Draw a strip of squares under the days on which the ticker was on a list."""
    listed = _source("listed", ("x", "y"))
    squares = pane.scatter("x", "y", source=listed, marker="square", size=3, alpha=0.7, color=_slot("mark"))
    squares.y_range_name = "marks"


def _setups(pane: figure) -> None:
    """Draw the ninth bars of TD setups: a 9 below a buy setup, above a sell setup."""
    pane.text(
        *("x", "y"),
        text={"value": "9"},
        source=_source("setups", ("x", "y", "offset", "tone")),
        y_offset="offset",
        text_color="tone",
        text_font={"value": FONT},
        text_font_size="11px",
        text_font_style="bold",
        text_align="center",
        text_baseline="middle",
    )


def _histogram(bars: ColumnDataSource, time: Range1d, dates: FixedTicker) -> figure:
    pane = _pane("histogram", 86, time, dates)
    pane.add_layout(_across(_slot("muted"), location=0, line_alpha=0.5))
    pane.vbar("x", BAR_WIDTH, "macd_histogram", source=bars, color="swing", line_color=None)
    return pane


def _macd(bars: ColumnDataSource, time: Range1d, dates: FixedTicker) -> figure:
    pane = _pane("macd", 96, time, dates)
    pane.add_layout(_across(_slot("muted"), location=0, line_alpha=0.5))
    pane.line("x", "macd_signal", source=bars, color=_slot("slow"), line_width=1.4)
    pane.line("x", "macd", source=bars, color=_slot("fast"), line_width=1.4)
    return pane


def _rsi(bars: ColumnDataSource, time: Range1d, dates: FixedTicker) -> figure:
    pane = _pane("rsi", 122, time, dates)
    pane.y_range.update(start=0, end=100)
    pane.yaxis.ticker = FixedTicker(ticks=[30, 50, 70])
    pane.ygrid.ticker = FixedTicker(ticks=[50])
    pane.add_layout(BoxAnnotation(bottom=30, top=70, fill_color=_slot("band"), fill_alpha=0.10, line_color=None))
    for level in (30, 70):
        pane.add_layout(_across(_slot("band"), location=level, line_dash="dashed"))
    pane.line("x", "rsi_14", source=bars, color=_slot("rsi"), line_width=1.4)
    return pane


def _pane(name: str, height: int, time: Range1d, dates: FixedTicker) -> figure:
    pane = figure(
        name=name,
        height=height,
        sizing_mode="stretch_width",
        x_range=time,
        y_range=Range1d(start=0, end=1, name=f"{name}_range"),
        x_axis_type=None,
        y_axis_location="right",
        tools=[PanTool(dimensions="width"), WheelZoomTool(dimensions="width", modifiers="ctrl")],
        toolbar_location=None,
        background_fill_color=_slot("panel"),
        border_fill_color=_slot("panel"),
        outline_line_color=None,
    )
    pane.min_border_left = 0
    pane.min_border_top = pane.min_border_bottom = 3
    pane.min_border_right = AXIS_WIDTH
    pane.add_layout(Grid(dimension=0, ticker=dates))
    pane.grid.grid_line_color = _slot("line")
    pane.grid.grid_line_alpha = 0.55
    pane.yaxis.ticker = pane.ygrid.ticker = BasicTicker(desired_num_ticks=6 if name == "price" else 3)
    pane.yaxis.formatter = NumeralTickFormatter(format="0,0.00", name=f"{name}_figures")
    _quieten(pane.yaxis[0])
    return pane


def _quieten(axis: Axis) -> None:
    """Take from an axis every line, and set its figures in the page's quiet type."""
    axis.update(
        axis_line_color=None,
        major_tick_line_color=None,
        minor_tick_line_color=None,
        major_label_text_color=_slot("muted"),
        major_label_text_font=FONT,
        major_label_text_font_size="11px",
    )


def _across(colour: str, **rest: Any) -> Span:
    return Span(dimension="width", line_color=colour, line_width=1, **rest)


def _source(name: str, columns: Iterable[str]) -> ColumnDataSource:
    return ColumnDataSource({column_: [] for column_ in columns}, name=name)


def _slot(colour: str) -> str:
    """Return a stand-in for a colour of the stylesheet: Bokeh takes no variable as a colour."""
    return f"#0000{COLOURS.index(colour) + 1:02x}"


def _coloured(document: str) -> str:
    for colour in COLOURS:
        document = document.replace(f'"{_slot(colour)}"', f'"var(--{colour})"')
    return document
