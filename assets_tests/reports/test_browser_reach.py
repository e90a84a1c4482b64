"""The requests of pages from the disk, from a web server and when sent: none beyond themselves. And on a phone."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assets_tests.examples import first_quick
from assets_tests.reports.browser import DRAWN, INKS
from assets_tests.reports.market import HOSTILE, SESSION, ticker_tables
from pipeline.reports import html
from pipeline.reports.ticker_page import ticker_page

pytestmark = pytest.mark.thorough

LIST, TICKER = f"{SESSION}/index.html", f"{SESSION}/tickers/_43ON.html"

PAGES = ("index.html", LIST, TICKER)


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """Serve the pages as any web server would."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_text_of_vendors_runs_nothing(browser, site):
    browser.open((site / LIST).as_uri())
    assert browser.ask("window.broken") is None
    assert HOSTILE in browser.texts("p.notice")[0]
    browser.open((site / TICKER).as_uri())
    browser.wait(DRAWN)
    assert browser.ask("window.broken") is None
    assert HOSTILE in browser.texts("h1")[0]


@pytest.mark.parametrize("page", first_quick(PAGES))
def test_a_script_that_slipped_into_a_page_would_not_run(browser, site, page):
    browser.open((site / page).as_uri())
    slip = "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s);"
    assert browser.ask(f"(() => {{ {slip} return window.ran ?? 'stopped'; }})()") == "stopped"
    assert "Content Security Policy" in browser.logged()[0]


@pytest.mark.parametrize("page", first_quick(PAGES))
def test_a_page_from_the_disk_requests_only_files_and_logs_no_error(browser, site, page):
    browser.open((site / page).as_uri())
    browser.wait('document.readyState === "complete"')
    if page == TICKER:
        browser.wait(DRAWN)
    requests = browser.requests()
    assert requests[0].endswith(page.split("/")[-1])
    assert all(one.startswith("file://") for one in requests)
    assert browser.logged() == []


@pytest.mark.parametrize("page", first_quick(PAGES))
def test_a_page_from_a_web_server_requests_only_from_it(browser, address, page):
    browser.open(address + page)
    browser.wait('document.readyState === "complete"')
    if page == TICKER:
        browser.wait(DRAWN)
    assert all(one.startswith(address) for one in browser.requests())
    assert browser.logged() == []


@pytest.mark.parametrize("page", first_quick(PAGES))
def test_nothing_runs_off_the_side_of_a_phone(browser, site, page):
    browser.open_on_phone((site / page).as_uri())
    if page == TICKER:
        browser.wait(DRAWN)
    # The screen takes a moment to become a phone's.
    browser.wait("document.documentElement.scrollWidth === 390")


@pytest.mark.parametrize("page", first_quick(PAGES))
def test_nothing_runs_off_the_side_of_a_screen(browser, site, page):
    browser.open((site / page).as_uri())
    if page == TICKER:
        browser.wait(DRAWN)
    assert browser.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert browser.ask("[...document.querySelectorAll('.contributions')].every(t => t.scrollWidth <= t.clientWidth)")


def test_a_finger_moves_the_page_up_and_down_and_the_chart_sideways(browser, site):
    browser.open_on_phone((site / TICKER).as_uri())
    browser.wait(DRAWN)
    browser.ask('document.querySelector("#chart").scrollIntoView()')
    top, first = "window.scrollY", "Bokeh.documents.at(-1).get_model_by_name('time').start"
    before = browser.ask(f"[{top}, {first}]")
    browser.drag((150, 200), (250, 200))
    browser.wait(f"{first} < {before[1] - 10}")
    assert browser.ask(top) == before[0]
    moved = browser.ask(first)
    browser.drag((150, 400), (150, 250))
    browser.wait(f"{top} > {before[0] + 100}")
    assert browser.ask(first) == moved


def test_a_page_that_is_sent_is_one_request_and_draws_its_chart(browser, tmp_path):
    page = tmp_path / "sent.html"
    page.write_text(html.ticker_document(ticker_page(SESSION, "AAP", ticker_tables())))
    browser.open(page.as_uri())
    browser.wait(DRAWN)
    assert browser.requests() == [page.as_uri()]
    assert browser.ask(INKS, "price")[0] > 10
    assert browser.logged() == []
