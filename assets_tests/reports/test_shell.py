import base64
import hashlib
import json
import re
import subprocess
import sys

import bokeh
import pytest

from assets_tests.reports.market import (
    BASIS,
    SESSION,
    candidate_tables,
    history,
    listed,
    session_page,
    ticker_tables,
)
from assets_tests.reports.parsed import Element, parsed
from pipeline.reports import html
from pipeline.reports.chart import COLOURS, chart_document
from pipeline.reports.index_page import index_page
from pipeline.reports.shell import Asset, alone, bokeh_script, chart_script, page_script, shared_assets, style
from pipeline.reports.ticker_page import TickerTables, ticker_page

LARGEST_PAGE = 300_000


def beside() -> dict[str, str]:
    return {
        "candidates": html.candidates_html(session_page(SESSION, candidate_tables())),
        "ticker": html.ticker_html(ticker_page(SESSION, "CON", ticker_tables())),
        "index": html.index_html(index_page(listed(), [SESSION])),
    }


def sent() -> dict[str, str]:
    return {
        "candidates": html.candidates_document(session_page(SESSION, candidate_tables())),
        "ticker": html.ticker_document(ticker_page(SESSION, "CON", ticker_tables())),
    }


def policy(page: Element) -> dict[str, list[str]]:
    (meta,) = [one for one in page.all("meta") if "http-equiv" in one.attributes]
    rules = [rule.split() for rule in meta.attributes["content"].split(";")]
    return {name: sources for name, *sources in rules}


def test_names_of_shared_files_follow_their_contents():
    for asset in (style(), page_script()):
        digest = hashlib.sha256(asset.text.encode()).hexdigest()
        assert digest.startswith(re.search(r"-([0-9a-f]{12})\.", asset.name)[1])
    assert bokeh_script().name == f"bokeh-{bokeh.__version__}.min.js"


def test_the_chart_s_script_is_named_by_what_it_is_made_from_and_ends_as_told():
    assert re.fullmatch(r"chart-[0-9a-f]{12}\.js", chart_script().name)
    assert chart_script().text == f"globalThis.candlelake = {{ chart: {chart_document()} }};\n{chart_script().tail}"


def test_a_shared_file_that_is_cut_short_or_spoilt_is_seen_without_making_it(tmp_path):
    for asset in shared_assets():
        place = tmp_path / asset.name
        assert not asset.is_at(place)
        place.write_text(asset.text, encoding="utf-8", newline="\n")
        assert asset.is_at(place)
        place.write_text(asset.text[:-1], encoding="utf-8", newline="\n")
        assert not asset.is_at(place)


def test_pages_that_have_their_scripts_are_written_without_loading_bokeh():
    script = "import sys; from pipeline.reports.shell import chart_script, shared_assets;"
    names = "print([one.name for one in shared_assets()], chart_script().tail[:1], 'bokeh' in sys.modules)"
    command = [sys.executable, "-c", f"{script} {names}"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert result.stdout.endswith("False\n")


def test_bokeh_s_script_is_the_installed_one_with_its_licence():
    assert bokeh_script().text.lstrip().startswith("'use strict';\n/*!\n * Copyright (c) Anaconda, Inc.")


@pytest.mark.parametrize("page", ["candidates", "ticker", "index"])
def test_a_page_in_the_folder_loads_only_what_lies_beside_it(page):
    tree = parsed(beside()[page])
    known = {asset.name for asset in shared_assets()} | {"sessions.js"}
    for element in tree.all("script") + tree.all("link"):
        address = element.attributes.get("src") or element.attributes.get("href") or "data:"
        assert address.startswith("data:") or (address.split("/")[-1] in known and ":" not in address)


@pytest.mark.parametrize("page", ["candidates", "ticker", "index"])
def test_the_policy_lets_a_page_load_from_its_folder_and_nothing_else(page):
    rules = policy(parsed(beside()[page]))
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == ["'self'", "file:"]
    assert rules["style-src"] == ["'self'", "file:"] + (["'unsafe-inline'"] if page == "ticker" else [])
    assert rules["img-src"] == ["data:"]


@pytest.mark.parametrize("page", ["candidates", "ticker"])
def test_the_policy_of_a_sent_page_names_its_scripts_by_their_hash(page):
    tree = parsed(sent()[page])
    scripts = [one for one in tree.all("script") if "type" not in one.attributes]
    digests = [base64.b64encode(hashlib.sha256(_raw(one).encode()).digest()).decode() for one in scripts]
    rules = policy(tree)
    assert rules["script-src"] == [f"'sha256-{digest}'" for digest in digests]
    assert "'unsafe-eval'" not in str(rules)
    if page == "candidates":
        inline = base64.b64encode(hashlib.sha256(_raw(tree.one("style")).encode()).digest()).decode()
        assert rules["style-src"] == [f"'sha256-{inline}'"]


def _raw(element: Element) -> str:
    return "".join(str(child) for child in element.children)


def test_a_script_that_holds_a_closing_tag_still_stands_inside_a_page():
    text = 'const a = "</script><!-- x";'
    script = Asset("odd.js", lambda: text, text)
    shell = alone([script])
    assert str(shell.scripts) == '<script>const a = "<\\/script><\\!-- x";</script>'


def test_a_page_of_500_bars_is_small_beside_the_shared_script():
    long = history().filter(ticker="CON")
    while len(long) < 500:
        long = long.vstack(long.with_columns(session=long["session"].dt.offset_by("-500d")))
    page = ticker_page(SESSION, "CON", TickerTables(history=long, basis=BASIS, listed=listed()))
    assert len(page.bars) >= 500
    assert len(html.ticker_html(page).encode()) < LARGEST_PAGE


def test_the_chart_s_document_holds_no_bar_and_its_colours_are_the_stylesheet_s():
    document = chart_document()
    assert set(re.findall(r'"var\(--([a-z]+)\)"', document)) == set(COLOURS)
    assert set(re.findall(r'"(#[0-9a-fA-F]+)"', document)) == set()
    for name in COLOURS:
        assert f"--{name}:" in style().text
    sources = re.findall(r'"name":"ColumnDataSource".*?"entries":(\[\[.*?\]\])\}', document)
    assert sources
    assert all(values == [] for entries in sources for _, values in json.loads(entries))


def test_nothing_of_ours_is_loaded_from_the_web():
    for asset in (style(), page_script(), chart_script()):
        assert re.findall(r"https?://", asset.text) == []
