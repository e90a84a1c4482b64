"""Renders pages as HTML. Every text is escaped: what a vendor or a user wrote is never markup."""

from datetime import date
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic_core import to_json

from pipeline.reports import figures, sparkline
from pipeline.reports.candidates_page import CandidatesPage
from pipeline.reports.chart_data import chart_data
from pipeline.reports.file_names import file_stem
from pipeline.reports.index_page import IndexPage
from pipeline.reports.shell import Shell, alone, beside, bokeh_script, chart_script, page_script
from pipeline.reports.ticker_page import TickerPage

BARS_SHOWN = 20
"""Bars in the table under the chart, the newest first."""


def candidates_html(page: CandidatesPage) -> str:
    """Return the page for the folder of all pages, one level below its top."""
    return _candidates(page, beside("../", [page_script()]))


def candidates_document(page: CandidatesPage) -> str:
    """Return the page as one file to send: it is self-contained and links to nothing."""
    return _candidates(page, alone([page_script()]))


def ticker_html(page: TickerPage) -> str:
    """Return the page for the folder of all pages, two levels below its top."""
    return _ticker(page, beside("../../", [page_script(), bokeh_script(), chart_script()]))


def ticker_document(page: TickerPage) -> str:
    """Return the page as one file to send: it is self-contained and links to nothing."""
    return _ticker(page, alone([bokeh_script(), chart_script()]))


def index_html(page: IndexPage) -> str:
    """Return the page for the top of the folder of all pages."""
    return _environment().get_template("index.html.j2").render(page=page, shell=beside("", [page_script()]))


def _candidates(page: CandidatesPage, shell: Shell) -> str:
    return _environment().get_template("candidates.html.j2").render(page=page, shell=shell)


def _ticker(page: TickerPage, shell: Shell) -> str:
    template = _environment().get_template("ticker.html.j2")
    last_bars = page.bars[-BARS_SHOWN:].to_dicts()[::-1]
    return template.render(page=page, shell=shell, chart=chart_data(page), last_bars=last_bars)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pipeline.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "fixed": figures.fixed,
        "signed": figures.signed,
        "percent": figures.percent,
        "price": figures.price,
        "compact": figures.compact,
        "dollars": figures.dollars,
        "plain": figures.plain,
        "quantity": figures.quantity,
        "tone": figures.tone,
        "stem": file_stem,
        "weekday": _weekday,
    }
    environment.globals |= {
        "indicator_digits": figures.indicator_digits,
        "missing": figures.MISSING,
        "sparkline_size": (sparkline.WIDTH, sparkline.HEIGHT),
    }
    environment.policies["json.dumps_function"] = _as_json
    environment.policies["json.dumps_kwargs"] = {}
    return environment


def _as_json(value: object) -> str:
    # Twelve columns over two years are most of a page; Python's own encoder takes ten times as long.
    return to_json(value, inf_nan_mode="null").decode()


def _weekday(day: date) -> str:
    return ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[day.weekday()]
