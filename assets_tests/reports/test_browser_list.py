"""The list of candidates in a reader's hands: sorted, filtered, opened, from the mouse and from the keyboard."""

from pathlib import Path

import polars as pl
import pytest
from selenium.webdriver.common.keys import Keys

from assets_tests.examples import first_quick
from assets_tests.reports.browser import Browser
from assets_tests.reports.market import BEFORE, SESSION, candidate_tables, session_page
from pipeline.reports import html

pytestmark = pytest.mark.thorough


@pytest.fixture
def candidates(browser: Browser, site: Path) -> Browser:
    browser.open((site / str(SESSION) / "index.html").as_uri())
    return browser


def tickers_shown(browser: Browser) -> list[str]:
    return browser.texts('table[aria-label="strong"] tbody th .ticker')


def click(browser: Browser, key: str) -> None:
    browser.find(f'table[aria-label="strong"] thead [data-key="{key}"] button').click()


def order(browser: Browser, key: str) -> str:
    return browser.ask('document.querySelector(`thead [data-key="${arguments[0]}"]`).getAttribute("aria-sort")', key)


def by(column: pl.Expr, *, descending: bool) -> list[str]:
    table = candidate_tables().listed.filter(model="strong")
    return table.sort(column, "rank", descending=[descending, False], nulls_last=True)["ticker"].to_list()


@pytest.mark.parametrize(
    ("key", "column"),
    first_quick(
        [
            ("score", pl.col("score")),
            ("close", pl.col("close")),
            ("change", pl.col("return_1")),
            ("rsi", pl.when(pl.col("rsi_14") > 0).then("rsi_14")),  # FLAT shows none: its price never moved
            ("macd", pl.col("macd_histogram")),
            ("sma200", pl.col("close") / pl.col("sma_200")),
            ("volume", pl.col("dollar_volume_20")),
        ]
    ),
)
def test_a_click_on_a_header_sorts_largest_first_and_another_turns_it(candidates, key, column):
    click(candidates, key)
    assert tickers_shown(candidates) == by(column, descending=True)
    assert (order(candidates, key), order(candidates, "rank")) == ("descending", "none")
    click(candidates, key)
    assert tickers_shown(candidates) == by(column, descending=False)
    assert order(candidates, key) == "ascending"


def test_headers_sort_from_the_keyboard_too(candidates):
    header = candidates.find('table[aria-label="strong"] thead [data-key="rsi"] button')
    header.send_keys(Keys.ENTER)
    assert tickers_shown(candidates) == by(pl.col("rsi_14"), descending=True)
    assert candidates.ask("document.activeElement.textContent") == "RSI 14"


def test_tickers_sort_by_their_letters(candidates):
    click(candidates, "ticker")
    assert tickers_shown(candidates) == ["AAp", "AAP", "BRK.A", "CON", "FLAT"]


def kept(browser: Browser, words: str) -> list[str]:
    browser.find("[data-filter]").send_keys(Keys.CONTROL, "a", Keys.NULL, words or Keys.BACKSPACE)
    return tickers_shown(browser)


def test_the_filter_keeps_rows_that_match_every_word(candidates):
    table = candidate_tables().listed.filter(model="strong").sort("rank")
    assert kept(candidates, "brk") == ["BRK.A"]
    assert candidates.texts("[data-count]")[0] == "1 of 5 shown"
    assert (
        kept(candidates, "rsi<50")
        == table.filter(pl.col("rsi_14").is_between(0, 50, closed="none"))["ticker"].to_list()
    )
    assert (
        kept(candidates, "close>=50 volume<1b")
        == table.filter(pl.col("close") >= 50, pl.col("dollar_volume_20") < 1e9)["ticker"].to_list()
    )
    assert kept(candidates, "new") == ["AAp", "AAP", "FLAT", "BRK.A"]
    assert kept(candidates, "new aap") == ["AAp", "AAP"]
    assert kept(candidates, "no such words") == []
    assert kept(candidates, "") == table["ticker"].to_list()


def test_a_slash_leads_to_the_filter(candidates):
    candidates.find("body").send_keys("/")
    assert candidates.ask("document.activeElement.matches('[data-filter]')")


def test_a_click_on_a_row_opens_its_ticker(candidates):
    candidates.find('table[aria-label="strong"] tbody tr:nth-child(2) [data-key="close"]').click()
    candidates.wait("document.title.startsWith('AAp')")


def test_reasons_unfold_without_leaving_the_page(candidates):
    details = candidates.find('table[aria-label="strong"] details')
    details.find_element("tag name", "summary").click()
    assert details.get_attribute("open")
    assert candidates.ask("document.title").startswith("Candidates")


def test_a_page_written_earlier_knows_the_session_after_it(browser, site):
    browser.open((site / str(BEFORE) / "index.html").as_uri())
    assert browser.texts("nav.sessions a") == ["◂", f"{SESSION} ▸"]
    browser.find('nav.sessions [rel="next"]').click()
    browser.wait(f"document.title.includes('{SESSION}') && document.readyState === 'complete'")
    assert browser.texts("nav.sessions a") == [f"◂ {BEFORE}", "▸"]


def test_a_list_that_is_sent_is_one_request_and_still_sorts(browser, tmp_path):
    page = tmp_path / "sent.html"
    page.write_text(html.candidates_document(session_page(SESSION, candidate_tables())))
    browser.open(page.as_uri())
    click(browser, "rsi")
    assert tickers_shown(browser) == by(pl.col("rsi_14"), descending=True)
    assert browser.requests() == [page.as_uri()]
    assert browser.logged() == []
