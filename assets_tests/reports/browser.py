"""A headless Chromium that reports every request and every word on its console."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

ABSENT = None if CHROMIUM and DRIVER else "needs Chromium and its driver (Debian: chromium, chromium-driver)"
"""Why there is no browser; None when there is one."""

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)

DRAWN = 'document.querySelector("#chart").dataset.drawn'
"""Whether the chart of a ticker's page is drawn."""

INKS = """
(() => {
  const model = Bokeh.documents.at(-1).get_model_by_name(arguments[0]);
  const canvas = Bokeh.index.find_one(model).canvas_view.primary.canvas;
  const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  return [new Set(pixels).size, pixels.reduce((ink, pixel) => ink + (pixel !== pixels[0]), 0) / pixels.length];
})()
"""
"""How many colours the canvas of a pane has, and the share of it that is not the ground."""

ADDRESS = {
    "Network.requestWillBeSent": lambda params: params["request"]["url"],
    "Network.webSocketCreated": lambda params: params["url"],
}
"""The events of the browser that have the address of a request."""

PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}


class Browser:
    """What the tests ask of a page."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, address: str) -> None:
        """Open a page, dark and 1600 × 1000, and forget what was logged before."""
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
        self.prefer("dark")
        self.logged()
        self.requests()
        self.driver.get(address)

    def open_on_phone(self, address: str) -> None:
        self.open("about:blank")
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
        self.driver.get(address)

    def drag(self, start: tuple[int, int], end: tuple[int, int], steps: int = 12) -> None:
        """Draw a finger over the screen."""
        for step in range(steps + 1):
            x, y = (a + (b - a) * step / steps for a, b in zip(start, end, strict=True))
            self._touch("touchMove" if step else "touchStart", [{"x": x, "y": y}])
        self._touch("touchEnd", [])

    def _touch(self, kind: str, points: list[dict[str, float]]) -> None:
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def prefer(self, scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def ask(self, expression: str, *arguments: object) -> Any:
        """Return the value of a JavaScript expression; `arguments[0]` … are given."""
        return self.driver.execute_script(f"return ({expression})", *arguments)

    def wait(self, expression: str) -> Any:
        """Wait until a JavaScript expression holds, and return its value."""
        return WebDriverWait(self.driver, 30, poll_frequency=0.05).until(lambda _: self.ask(expression))

    def find(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """Return the text of the elements that are shown."""
        visible = "[...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility())"
        return self.ask(f"{visible}.map((e) => e.textContent.trim().replace(/\\s+/g, ' '))", selector)

    def logged(self) -> list[str]:
        """Return what went wrong on the page since the last call: errors, warnings, refusals of the policy."""
        return [one["message"] for one in self.driver.get_log("browser") if one["level"] in {"SEVERE", "WARNING"}]

    def requests(self) -> list[str]:
        """Return the addresses requested since the last call, by any tab, without pictures inside the page."""
        entries = [json.loads(one["message"])["message"] for one in self.driver.get_log("performance")]
        sent = [ADDRESS[one["method"]](one["params"]) for one in entries if one["method"] in ADDRESS]
        return [address for address in sent if not address.startswith("data:")]


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start a browser with an empty profile, and end it."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, "--window-size=1600,1000", f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
