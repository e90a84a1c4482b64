"""The chart in a reader's hands: four panes drawn, one crosshair, readouts that equal the tables, ranges, marks."""

from pathlib import Path

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from assets_tests.examples import first_quick
from assets_tests.reports.browser import DRAWN, INKS, Browser
from assets_tests.reports.market import SESSION, SESSIONS, history, ticker_tables
from pipeline.reports import figures, html
from pipeline.reports.ticker_page import ticker_page

pytestmark = pytest.mark.thorough

PANES = ("price", "histogram", "macd", "rsi")


@pytest.fixture
def ticker(browser: Browser, site: Path) -> Browser:
    browser.open((site / str(SESSION) / "tickers" / "_43ON.html").as_uri())
    browser.wait(DRAWN)
    return browser


@pytest.mark.parametrize("scheme", first_quick(["dark", "light"]))
def test_four_panes_are_drawn(ticker, scheme):
    ticker.prefer(scheme)
    ticker.wait("Bokeh.documents.at(-1).is_idle")
    for pane in PANES:
        colours, ink = ticker.ask(INKS, pane)
        assert colours > 10, pane
        assert ink > 0.01, pane
    assert ticker.logged() == []


def test_the_panes_turn_light_when_the_reader_s_preference_does(ticker):
    ground = (
        "(() => { const c = Bokeh.index.find_one(Bokeh.documents.at(-1).get_model_by_name('price'))"
        ".canvas_view.primary.canvas; return [...c.getContext('2d').getImageData(3, c.height - 3, 1, 1).data]; })()"
    )
    before = ticker.ask("Bokeh.documents.length")
    assert max(ticker.ask(ground)[:3]) < 60
    ticker.prefer("light")
    ticker.wait(f"Bokeh.documents.length > {before} && Bokeh.documents.at(-1).is_idle")
    ticker.wait(f"{ground}[0] > 200")


def readouts(browser: Browser) -> dict[str, str]:
    slots = "[...document.querySelectorAll('[data-overlay] [data-value]')]"
    return browser.ask(f"Object.fromEntries({slots}.map((e) => [e.dataset.value, e.textContent]))")


def expected(bar: dict) -> dict[str, str]:
    fine = figures.indicator_digits(bar["close"])
    prices = {name: figures.price(bar[name]) for name in ("open", "high", "low", "close", "sma_50", "sma_200")}
    swings = {name: figures.signed(bar[name], fine) for name in ("macd", "macd_signal", "macd_histogram")}
    rest = {"session": str(bar["session"]), "volume": figures.fixed(bar["volume"], 0)}
    rest |= {"rsi_14": figures.fixed(bar["rsi_14"], 1), "change": figures.percent(bar["return_1"])}
    return prices | swings | rest


@pytest.mark.parametrize("name", first_quick(["CON", "BRK.A", "PENNY", "FLAT"]))
def test_the_crosshair_reads_what_the_tables_hold(browser, tmp_path, name):
    page = tmp_path / "page.html"
    page.write_text(html.ticker_document(ticker_page(SESSION, name, ticker_tables())))
    browser.open(page.as_uri())
    browser.wait(DRAWN)
    bars = history().filter(ticker=name).sort("session").to_dicts()
    chart = browser.find("#chart")
    assert readouts(browser) == expected(bars[-1])
    chart.send_keys(Keys.END)
    for back in range(1, 24):
        chart.send_keys(Keys.ARROW_LEFT)
        assert readouts(browser) == expected(bars[-1 - back])
    chart.send_keys(Keys.HOME)
    first = readouts(browser)
    assert first == expected(bars[0]) | {"change": ""}
    assert first["sma_200"] == "–"


def test_one_crosshair_runs_through_all_panes_at_the_bar_under_the_pointer(ticker):
    chart = ticker.find("#chart")
    ActionChains(ticker.driver).move_to_element_with_offset(chart, -100, -120).perform()
    place = """
    (() => {
      const box = (name) => document.querySelector(`[data-part="${name}"]`).getBoundingClientRect();
      const chart = document.querySelector("#chart").getBoundingClientRect();
      const [line, level, date] = [box("vertical"), box("horizontal"), box("tag-date")];
      const rsi = box("readout-rsi");
      return { x: line.x - chart.x, top: line.top - chart.top, below: line.bottom - rsi.bottom,
               y: level.y - chart.y, middle: date.x + date.width / 2 - line.x };
    })()
    """
    seen = ticker.ask(place)
    size = chart.size
    width = ticker.ask("Bokeh.index.find_one(Bokeh.documents.at(-1).get_model_by_name('rsi')).frame.bbox.width")
    per_bar = width / (252 + 2.5)
    assert abs(seen["x"] - (size["width"] / 2 - 100)) <= per_bar / 2 + 1
    assert abs(seen["y"] - (size["height"] / 2 - 120)) <= 1.5
    assert seen["top"] <= 1
    assert seen["below"] > 40
    assert abs(seen["middle"]) < 1.5


@pytest.mark.parametrize(("name", "bars"), first_quick([("3M", 63), ("6M", 126), ("1Y", 252), ("All", len(SESSIONS))]))
def test_ranges_show_so_many_bars_and_fit_the_price_to_them(ticker, name, bars):
    ticker.find(f'[data-range="{name}"]').click()
    model = "Bokeh.documents.at(-1).get_model_by_name"
    start, end = ticker.ask(f"[{model}('time').start, {model}('time').end]")
    assert (start, end) == (len(SESSIONS) - bars - 0.5, len(SESSIONS) + 2)
    pressed = ticker.texts('[data-range][aria-pressed="true"]')
    assert pressed == [name]
    low, high = ticker.ask(f"[{model}('price_range').start, {model}('price_range').end]")
    seen = history().filter(ticker="CON").sort("session").tail(bars)
    span = seen["high"].max() - seen["low"].min()
    assert low == pytest.approx(seen["low"].min() - 0.26 * span)
    assert high == pytest.approx(seen["high"].max() + 0.1 * span)


def test_the_range_moves_by_half_and_stops_at_the_ends(ticker):
    model = "Bokeh.documents.at(-1).get_model_by_name('time')"
    ticker.find('[data-range="3M"]').click()
    for _ in range(12):
        ticker.find("[data-earlier]").click()
    assert ticker.ask(f"{model}.start") == -1
    for _ in range(12):
        ticker.find("[data-later]").click()
    assert ticker.ask(f"{model}.end") == len(SESSIONS) + 2


def test_marks_stand_where_the_page_s_data_say(ticker):
    data = "Bokeh.documents.at(-1).get_model_by_name(arguments[0]).data"
    table = history().filter(ticker="CON").sort("session")
    assert ticker.ask(f"[...{data}.x]", "entry") == [len(SESSIONS) - 100]
    assert ticker.ask(f"[...{data}.y]", "exit") == [table["close"][-10]]
    assert ticker.ask(f"[...{data}.ratio]", "splits") == ["2:1"]
    assert ticker.ask(f"[...{data}.close]", "bars") == table["close"].to_list()
    nines = [at for at, count in enumerate(table["td_setup"]) if count in (9, -9)]
    assert ticker.ask(f"[...{data}.x]", "setups") == nines


def test_a_ticker_with_one_bar_is_drawn(browser, tmp_path):
    page = tmp_path / "young.html"
    page.write_text(html.ticker_document(ticker_page(SESSIONS[0], "CON", ticker_tables())))
    browser.open(page.as_uri())
    browser.wait(DRAWN)
    assert browser.logged() == []


def test_a_ticker_without_a_bar_opens_without_a_complaint(browser, tmp_path):
    page = tmp_path / "never.html"
    page.write_text(html.ticker_document(ticker_page(SESSION, "NEVER", ticker_tables())))
    browser.open(page.as_uri())
    assert "No bar up to" in browser.texts("p.notice")[0]
    assert browser.logged() == []
