"""Takes the pictures of the documents: `make screenshots`, or `python -m assets_tests.screenshots [HOME]`.

HOME is the home of a `candlelake demo --full-market`, to which positions are added; without it, one is made for a
minute or two and thrown away. Needs Chromium and its driver.
"""

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from PIL import Image

from assets_tests.commands import Served, served_ui, typed
from assets_tests.reports.browser import ABSENT, DRAWN, Browser, chromium
from pipeline.sample.full_market import LAST_SESSION

DOCS = Path(__file__).parents[1] / "docs"

BOUGHT = (
    ("RXFK", "400", "70.10", "2025-12-15", "--stop", "105", "--target", "150"),
    ("NHW", "100", "234.50", "2025-12-15", "--stop", "300", "--target", "450"),
    ("NKI", "900", "27.80", "2026-02-02", "--target", "40"),
    ("HKF", "6000", "5.05", "2026-02-02", "--stop", "4.50"),
    ("SOQD", "200", "135.10", "2026-02-02", "--stop", "147"),
)
"""Ticker, shares, price and session of the positions in the pictures, some of them worth selling."""

HELD = BOUGHT[0][0]
"""The ticker whose page is shown."""

JOURNEY = (
    'key:"stocks/raw_day_aggs"+ and +key:"stocks/ticker_reports" and not (group:"portfolio" or group:"reference") '
    'or key:"stocks/quarantine" or key:"stocks/deliveries" or key:"stocks/candidates_report"'
)
"""The assets shown: the way from the vendor's file to the pages."""

GROUPS = ("raw", "bars", "signals", "reports")

COLOURS = 256
"""Of a picture: what flat panels, lines and letters need, at a third of the size."""


def main() -> None:
    """Take every picture."""
    if ABSENT:
        sys.exit(f"error: this {ABSENT}.")
    with TemporaryDirectory(prefix="candlelake-screenshots-") as folder:
        home = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else demo(Path(folder) / "home")
        hold(home)
        with served_ui(home, Path(folder) / "ui.log") as served, chromium(Path(folder) / "profile") as browser:
            browser.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
            for name, (width, height, scale, show) in SHOWN.items():
                browser.open("about:blank")
                size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
                browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
                show(browser, served)
                save(browser.driver.get_screenshot_as_png(), DOCS / name)


def demo(home: Path) -> Path:
    """Return `home`, filled with the full market."""
    home.parent.mkdir(parents=True, exist_ok=True)
    do(home, "demo", "--full-market")
    return home


def hold(home: Path) -> None:
    """Record the positions, unless they are there already, and run the newest session with them."""
    if HELD not in typed(home, "positions", "list", "--json").stdout:
        for ticker, shares, price, opened, *limits in BOUGHT:
            do(home, "positions", "add", ticker, shares, price, "--opened", opened, *limits)
    do(home, "run", "--date", str(LAST_SESSION))


def do(home: Path, *arguments: str) -> None:
    """Run a command to its good end."""
    answer = typed(home, *arguments)
    if answer.returncode:
        sys.exit(answer.stderr)


def show_candidates(browser: Browser, served: Served) -> None:
    """Open the list of the newest session."""
    browser.driver.get(f"{served.pages}/{LAST_SESSION}/index.html")
    browser.wait("document.readyState === 'complete'")


def show_ticker(browser: Browser, served: Served) -> None:
    """Open the page of a position, from the list."""
    show_candidates(browser, served)
    browser.find(f'table[aria-label="trend"] tbody a[href*="{HELD}"]').click()
    browser.wait(f"document.title.startsWith('{HELD}')")
    browser.wait(DRAWN)
    browser.wait("Bokeh.documents.at(-1).is_idle")


def show_assets(browser: Browser, served: Served) -> None:
    """Open the graph of assets, the navigation folded, and wait until every node shows its partitions."""
    browser.driver.get(f"{served.dagster}/asset-groups")
    fold = "[...document.querySelectorAll('button')].find((one) => one.innerText === 'Hide navigation')"
    browser.wait(fold)
    browser.ask(f"{fold}.click()")
    expanded = quote(",".join(f"global@global:{group}" for group in GROUPS))
    browser.driver.get(f"{served.dagster}/asset-groups~{quote(JOURNEY, safe='')}/?expanded={expanded}")
    nodes = "document.body.innerText.match(/300 partitions/g)"
    browser.wait(f"{nodes} && {nodes}.length === 8")
    browser.wait("[...document.images].every((one) => one.complete)")


SHOWN: dict[str, tuple[int, int, float, Callable[[Browser, Served], None]]] = {
    "candidates.png": (1400, 900, 1.75, show_candidates),
    "ticker.png": (1400, 900, 1.75, show_ticker),
    "assets.png": (1900, 800, 1.25, show_assets),
}
"""Every picture: width and height of the window, pixels to one of its dots, and what is in it."""


def save(png: bytes, path: Path) -> None:
    """Write a picture in few colours. Of the ways to choose them, the octree alone keeps those of the small icons."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    few = picture.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


if __name__ == "__main__":
    main()
