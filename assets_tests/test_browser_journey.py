"""A reader's morning, in a real browser over the real UI: run a session by clicking, open its page, open a ticker."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from assets_tests.commands import Served, served_ui, typed
from assets_tests.reports.browser import ABSENT, DRAWN, INKS, Browser, chromium
from pipeline.sample.full_market import last_sessions, lay_down_full_market

pytestmark = [pytest.mark.thorough, pytest.mark.skipif(ABSENT is not None, reason=str(ABSENT))]

SESSIONS = last_sessions(254)
"""The models want 253 bars; the last session is left to be run from the UI."""
TICKERS = 60
LAST = SESSIONS[-1]

PATIENCE = 180
"""Seconds that a page may take on a machine with much else to do."""

GROUPS = {"raw", "reference", "bars", "signals", "portfolio", "reports", "operations"}

DAGSTERS_CLIENT = "https://go.apollo.dev/c/err#"
"""Dagster's UI requests data with a library that complains on the console about its use, by this address."""


class Reader(Browser):
    """A browser that keeps every requested address and every line on its console."""

    def __init__(self, driver: Any) -> None:
        super().__init__(driver)
        self.addresses: list[str] = []
        self.console: list[str] = []

    def requests(self) -> list[str]:
        found = super().requests()
        self.addresses += found
        return found

    def logged(self) -> list[str]:
        found = super().logged()
        self.console += found
        return found

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until the condition holds, and return its value; a page that is being redrawn is tried again."""
        wait = WebDriverWait(self.driver, PATIENCE, poll_frequency=0.1, ignored_exceptions=[WebDriverException])
        return wait.until(lambda _: condition())

    def there(self, path: str) -> Any:
        """Return the element at an XPath, once it is there."""
        return self.until(lambda: self.driver.find_element(By.XPATH, path))

    def click(self, path: str) -> None:
        """Click the element at an XPath, once it can be."""
        self.until(lambda: [self.driver.find_element(By.XPATH, path).click()])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home of a small market, filled by the command line up to the session before the last."""
    path = tmp_path_factory.mktemp("journey") / "home"
    lay_down_full_market(path / "sample", sessions=SESSIONS, tickers=TICKERS)
    settings = {"FLAT_FILES": path / "sample", "REFERENCE": path / "sample/rest", "START": SESSIONS[0], "END": LAST}
    (path / "settings.env").write_text("".join(f"CANDLELAKE_{name}={value}\n" for name, value in settings.items()))
    filled = typed(path, "backfill", "--start", str(SESSIONS[0]), "--end", str(SESSIONS[-2]))
    assert filled.returncode == 0, filled.stderr
    return path


@pytest.fixture(scope="module")
def ui(home: Path) -> Iterator[Served]:
    with served_ui(home, home.parent / "ui.log") as served:
        yield served


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield Reader(opened.driver)


@pytest.fixture(autouse=True)
def nothing_leaves_this_machine_and_nothing_goes_wrong(ui: Served, reader: Reader) -> Iterator[None]:
    """After each test, check all requests and console lines of the browser; Dagster's own complaints may pass."""
    yield
    reader.requests(), reader.logged()
    here = {urlsplit(ui.dagster).netloc, urlsplit(ui.pages).netloc}
    # What has no such scheme is the browser's own: its empty tab.
    over_the_net = [urlsplit(one) for one in reader.addresses if one.startswith(("http", "ws"))]
    assert over_the_net
    assert {address.netloc for address in over_the_net} <= here
    assert [word for word in reader.console if not (word.startswith(ui.dagster) and DAGSTERS_CLIENT in word)] == []
    reader.addresses.clear(), reader.console.clear()


@pytest.fixture(scope="module")
def run(ui: Served, reader: Reader) -> str:
    """Launch the newest session of the daily job by clicking, and return the address of its run."""
    reader.open(f"{ui.dagster}/locations/pipeline.definitions/jobs/stocks_by_day")
    reader.click("//button[starts-with(normalize-space(), 'Materialize all')]")
    reader.click("//*[@role='dialog']//button[normalize-space()='Latest']")
    reader.there(f"//*[@role='dialog']//input[@value='{LAST}']")
    reader.click("//*[@role='dialog']//button[normalize-space()='Launch 1 run']")
    return reader.there("//a[normalize-space()='View'][contains(@href, '/runs/')]").get_attribute("href")


@pytest.fixture(scope="module")
def page(run: str, ui: Served, reader: Reader) -> str:
    """Wait for the end of the run, and return the address of the page that the report's materialization links to."""
    reader.open(run)
    finished = " or ".join(f"normalize-space()='{state}'" for state in ("Success", "Failure", "Canceled"))
    assert reader.there(f"//*[{finished}]").text == "Success"
    reader.open(f"{ui.dagster}/assets/stocks/candidates_report")
    link = f"//a[starts-with(@href, '{ui.pages}')]"
    return reader.there(f"//tr[.//*[normalize-space()='page']]{link}").get_attribute("href")


def test_the_asset_graph_shows_the_groups(ui, reader):
    reader.open(f"{ui.dagster}/asset-groups")
    nodes = "//*[local-name()='svg']//*[@data-tooltip]"
    drawn = {reader.there(f"{nodes}[.='{group}']").text for group in GROUPS}
    assert drawn == GROUPS


def test_a_session_is_run_by_clicking_and_its_event_links_to_the_page(ui, reader, page):
    assert page == f"{ui.pages}/{LAST}/index.html"
    reader.click(f"//a[@href='{page}']")
    reader.until(lambda: reader.driver.switch_to.window(reader.driver.window_handles[-1]) or True)
    reader.until(lambda: reader.ask("document.title").startswith("Candidates"))
    assert reader.ask("location.href") == page


def tickers_shown(reader: Reader) -> list[str]:
    return reader.texts('table[aria-label="trend"] tbody th .ticker')


def test_the_page_sorts_and_filters(reader, page):
    reader.open(page)
    ranked = tickers_shown(reader)
    assert len(ranked) > 2
    reader.find('table[aria-label="trend"] thead [data-key="ticker"] button').click()
    assert tickers_shown(reader) == sorted(ranked)
    reader.find("[data-filter]").send_keys(ranked[0].lower())
    assert tickers_shown(reader) == [ranked[0]]
    reader.find("[data-filter]").send_keys(Keys.CONTROL, "a", Keys.NULL, Keys.BACKSPACE)
    assert sorted(tickers_shown(reader)) == sorted(ranked)


def test_a_row_opens_its_ticker_with_four_panes_drawn(reader, page):
    reader.open(page)
    best = tickers_shown(reader)[0]
    reader.find('table[aria-label="trend"] tbody tr:first-child [data-key="close"]').click()
    reader.until(lambda: reader.ask("document.title").startswith(best))
    reader.until(lambda: reader.ask(DRAWN))
    for pane in ("price", "histogram", "macd", "rsi"):
        colours, ink = reader.ask(INKS, pane)
        assert colours > 10, pane
        assert ink > 0.01, pane
