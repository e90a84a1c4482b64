"""Whatever a vendor or a user wrote is text: in elements, attributes, links, drawings and the chart's data."""

import json
from datetime import date

import polars as pl
import pytest

from assets_tests.reports.market import (
    SESSION,
    candidate_tables,
    history,
    listed,
    session_page,
    signals,
    ticker_tables,
)
from assets_tests.reports.parsed import Element, parsed
from pipeline.reports import html
from pipeline.reports.index_page import index_page
from pipeline.reports.ticker_page import ticker_page

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "<!--<script>",
    "]]>&lt;b&gt;\u2028\u2029",
    "$%&{value} @{x}",
]


def everywhere(text: str) -> pl.DataFrame:
    """Return the securities with `text` in every text of CON."""
    return pl.DataFrame({"ticker": ["CON"], "name": [text], "type": [text], "primary_exchange": [text]})


def hostile_signals(ticker: str, text: str) -> pl.DataFrame:
    return signals(ticker, text=text).with_columns(rule=pl.lit(text), severity=pl.lit(text))


def hostile_list(text: str) -> pl.DataFrame:
    """Return the candidates with `text` as model, reason and factor of CON."""
    mine = pl.col("ticker") == "CON"
    factor = pl.col("contributions").list.eval(pl.element().struct.with_fields(factor=pl.lit(text)))
    return listed().with_columns(
        model=pl.when(mine).then(pl.lit(text)).otherwise("model"),
        reasons=pl.when(mine).then(pl.lit([text, text])).otherwise("reasons"),
        contributions=pl.when(mine).then(factor).otherwise("contributions"),
    )


def candidates(text: str, ticker: str) -> str:
    today = hostile_list(text).filter(session=SESSION).join(history().drop("close"), on=["ticker", "session"])
    before = pl.DataFrame({"model": [text], "ticker": [ticker], "rank": [4]})
    tables = candidate_tables(
        listed=today, before=before, signals=hostile_signals(ticker, text), securities=everywhere(text), basis=text
    )
    return html.candidates_html(session_page(SESSION, tables, notices=[text]))


def ticker(text: str) -> str:
    tables = ticker_tables(
        listed=hostile_list(text),
        securities=everywhere(text),
        signals=hostile_signals("CON", text),
        basis=text,
        trades=pl.DataFrame(
            {"ticker": ["CON"], "session": [SESSION], "side": [text], "quantity": [1.0], "price": [2.0]}
        ),
    )
    return html.ticker_html(ticker_page(SESSION, "CON", tables, notices=[text]))


def shape(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return every element with the names of its attributes: what text must not change."""
    return [(element.tag, tuple(element.attributes)) for element in parsed(page).all()]


def normal(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_text_adds_no_element_and_no_attribute(text):
    assert shape(candidates(text, "GONE")) == shape(candidates("harmless", "GONE"))
    assert shape(ticker(text)) == shape(ticker("harmless"))


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_read_as_it_was_written(text):
    page = parsed(candidates(text, "GONE"))
    assert page.one("bdi", class_="name").text == normal(text)
    assert page.one("p", class_="notice").text == normal(f"! {text}")
    assert page.all("section", class_="model")[-1].attributes["data-model"] == text
    of_ticker = parsed(ticker(text))
    assert of_ticker.one("bdi", class_="name").text == normal(text)
    assert of_ticker.one("section", class_="listing").one("tbody").all("th")[0].text == normal(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_ticker_is_text_and_its_link_stays_in_the_folder(text):
    page = parsed(candidates("harmless", text))
    (link,) = {one.attributes["href"] for one in page.one("section", class_="signals").all("a")}
    assert link.startswith("tickers/")
    assert set(link.removeprefix("tickers/").removesuffix(".html")) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdef_-"
    )
    assert page.one("section", class_="signals").one("a").text == normal(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_ticker_has_a_page_of_its_own(text):
    own = history().filter(ticker="CON").with_columns(ticker=pl.lit(text))
    page = html.ticker_html(ticker_page(SESSION, text, ticker_tables(history=own)))
    assert parsed(page).one("h1").text == normal(text)
    assert shape(page) == shape(html.ticker_html(ticker_page(SESSION, "ODD", ticker_tables(history=renamed("ODD")))))


def renamed(name: str) -> pl.DataFrame:
    return history().filter(ticker="CON").with_columns(ticker=pl.lit(name))


@pytest.mark.parametrize("text", HOSTILE)
def test_the_chart_s_data_cannot_end_its_element(text):
    page = ticker(text)
    start = page.index('id="chart-data">') + len('id="chart-data">')
    inside = page[start : page.index("</script>", start)]
    assert "<" not in inside
    assert json.loads(inside)["trades"][0][1] == text


@pytest.mark.parametrize("text", HOSTILE)
def test_the_index_escapes_models_and_tickers(text):
    rows = listed().filter(session=SESSION, rank=1).with_columns(model=pl.lit(text), ticker=pl.lit(text))
    page = html.index_html(index_page(rows, [SESSION]))
    harmless = rows.with_columns(model=pl.lit("m"), ticker=pl.lit("T"))
    assert shape(page) == shape(html.index_html(index_page(harmless, [SESSION])))


def test_a_name_written_from_right_to_left_cannot_turn_what_follows():
    securities = everywhere("\u202egnihtemoS")
    page = parsed(html.candidates_html(session_page(SESSION, candidate_tables(securities=securities))))
    assert page.one("bdi", class_="name").text == "\u202egnihtemoS"


def test_every_text_on_a_page_is_escaped_by_default():
    environment = html._environment()
    assert environment.autoescape is True
    for name in environment.list_templates():
        source, *_ = environment.loader.get_source(environment, name)
        assert "|safe" not in source, name


def elements(page: Element) -> set[str]:
    return set(page.tags)


def test_no_page_has_an_inline_handler_or_style():
    pages = [candidates("text", "GONE"), ticker("text"), html.index_html(index_page(listed(), [date(2024, 6, 28)]))]
    for page in pages:
        tree = parsed(page)
        assert "style" not in elements(tree)
        for element in tree.all():
            assert not [name for name in element.attributes if name.startswith("on") or name == "style"]
