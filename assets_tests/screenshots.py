"""Takes the pictures of the documents: `make screenshots`, or `python -m assets_tests.screenshots HOME`.

HOME is one that `candlelake demo --full-market` has filled: a list of a whole market is one worth looking at.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from assets_tests.commands import served_ui
from assets_tests.reports.browser import DRAWN, Browser, chromium

GRAPHED = 6
"""More assets than this are drawn once the graph is there."""

DOCS = Path(__file__).parents[1] / "docs"


def taken(browser: Browser, name: str) -> None:
    """Keep what the browser shows as a picture of the documents."""
    path = DOCS / f"{name}.png"
    browser.driver.save_screenshot(str(path))
    print(f"{path} {path.stat().st_size:,} bytes")  # noqa: T201 (what it is run for)


def main(home: Path) -> None:
    """Take the pictures of the newest session's pages, and of the assets in Dagster."""
    with TemporaryDirectory() as room, served_ui(home, Path(room) / "ui.log") as ui, chromium(Path(room)) as browser:
        browser.open(ui.pages)
        browser.find("tbody a").click()
        browser.wait("document.title.startsWith('Candidates')")
        taken(browser, "candidates")
        browser.find('table[aria-label="trend"] tbody tr:first-child [data-key="close"]').click()
        browser.wait(DRAWN)
        taken(browser, "ticker")
        browser.open(f"{ui.dagster}/assets/stocks/candidates?view=lineage&lineageScope=upstream&lineageDepth=4")
        browser.wait(f"document.querySelectorAll('svg foreignObject').length > {GRAPHED}")
        browser.wait("!document.body.innerText.includes('Loading')")
        taken(browser, "assets")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
