"""What the pages say is what the frames hold, to the last digit shown."""

import json
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest

from assets_tests.reports.market import (
    BASIS,
    BEFORE,
    SESSION,
    SESSIONS,
    TICKERS,
    candidate_tables,
    history,
    listed,
    session_page,
    signals,
    ticker_tables,
)
from assets_tests.reports.parsed import Element, parsed
from pipeline.reports import html
from pipeline.reports.candidates_page import Around
from pipeline.reports.index_page import index_page
from pipeline.reports.notices import PROVISIONAL
from pipeline.reports.ticker_page import CHARTED, ticker_page

GONE = pl.DataFrame({"model": ["strong", "strong"], "ticker": ["GONE", "CON"], "rank": [3, 9]})


def candidates(**changed: object) -> Element:
    around = Around(BEFORE, None)
    page = session_page(SESSION, candidate_tables(**changed), notices=[PROVISIONAL], around=around)
    return parsed(html.candidates_html(page))


def ticker(name: str = "CON", session: date = SESSION, **changed: object) -> Element:
    return parsed(html.ticker_html(ticker_page(session, name, ticker_tables(**changed))))


def rows(page: Element, **attributes: str | None) -> list[list[str]]:
    return [[cell.text for cell in row.children if isinstance(cell, Element)] for row in body(page, **attributes)]


def body(page: Element, **attributes: str | None) -> list[Element]:
    return page.one("table", **attributes).one("tbody").all("tr")


def expected_text(number: float, digits: int, sign: str = "") -> str:
    """Return the number as a page should show it, by another way than the page's."""
    rounded = Decimal(number).quantize(Decimal(10) ** -digits, ROUND_HALF_UP)
    return format(rounded, f"{sign},f").replace("-", "−") if rounded else format(abs(rounded), "f")


def test_a_candidate_s_row_shows_the_figures_of_the_tables():
    table = candidate_tables().listed.filter(model="strong").sort("rank")
    for element, row in zip(body(candidates(), aria_label="strong"), table.iter_rows(named=True), strict=True):
        texts = {cell.attributes["data-key"]: cell.text for cell in element.children if isinstance(cell, Element)}
        assert texts["rank"] == str(row["rank"])
        assert texts["ticker"].split()[0] == row["ticker"]
        assert texts["score"] == expected_text(row["score"], 2, "+")
        assert texts["close"] == expected_text(row["close"], 2)
        # FLAT never moved: the RSI of 0 that TA-Lib gives it is no weakness, and is not shown.
        assert texts["rsi"] == ("–" if row["ticker"] == "FLAT" else expected_text(row["rsi_14"], 1))
        assert texts["macd"] == expected_text(row["macd_histogram"], 3, "+")
        assert texts["sma20"].removeprefix("+") == f"{expected_text(100 * (row['close'] / row['sma_20'] - 1), 1)} %"
        assert texts["change"].lstrip("▲▼+") == f"{expected_text(100 * row['return_1'], 1)} %"
        assert texts["volume"] == f"${expected_text(row['dollar_volume_20'] / divisor(row), 1)} {unit(row)}"


def divisor(row: dict) -> float:
    return {"M": 1e6, "B": 1e9, "T": 1e12}[unit(row)]


def unit(row: dict) -> str:
    return "T" if row["dollar_volume_20"] >= 1e12 else "B" if row["dollar_volume_20"] >= 1e9 else "M"


def test_tables_sort_and_filter_by_the_exact_numbers():
    table = candidate_tables().listed.filter(model="strong").sort("rank")
    cells = candidates().one("table", aria_label="strong").one("tbody").all("td", data_key="rsi")
    shown_rsi = [float(value) if (value := cell.attributes["data-value"]) else 0.0 for cell in cells]
    assert shown_rsi == table["rsi_14"].to_list(), "FLAT never moved: its RSI of 0 is not there to sort by"


def test_every_reason_is_on_the_page_in_order():
    table = candidate_tables().listed.filter(model="strong").sort("rank")
    for element, reasons in zip(body(candidates(), aria_label="strong"), table["reasons"], strict=True):
        cell = element.one("td", data_key="reasons")
        reasons_shown = [one.text for one in (cell.all("summary") or [cell])] + [one.text for one in cell.all("li")]
        assert reasons_shown[0].startswith(reasons[0])
        assert reasons_shown[1:] == list(reasons[1:])


def test_the_page_says_how_many_were_scanned_passed_and_kept():
    strong, dips = candidates().all("section", class_="model")
    assert strong.one("p", class_="funnel").text == "6 scanned → 5 passed → 5 kept"
    assert dips.one("p", class_="funnel").text == "6 scanned → 0 kept"
    assert "No stock passed" in dips.text


def test_new_and_dropped_tickers_are_named():
    moves = candidates(before=GONE).all("dl", class_="moves")[0]
    assert [one.text for one in moves.all("dd")] == ["AAp AAP FLAT BRK.A", "GONE was 3"]


def test_the_list_before_may_be_unknown():
    page = candidates(before=None)
    assert "is not known" in page.text
    assert page.all("dl", class_="moves") == []
    assert page.all("em", class_="new") == []


def test_sell_signals_and_notices_stand_on_top():
    page = candidates(signals=signals("AAP"))
    assert page.one("section", class_="signals").one("li").text == ("AAP sell trailing_stop Close 2.9 % under the stop")
    assert page.one("p", class_="notice").text == f"! {PROVISIONAL}"
    assert candidates(signals=signals()).one("section", class_="signals").text == "Sell signals on holdings None."
    assert candidates().all("section", class_="signals") == []


def test_the_sparkline_is_drawn_inside_the_page():
    line = candidates().one("table", aria_label="strong").all("svg", role="img")[0]
    assert len(line.one("polyline").attributes["points"].split()) == 60
    assert line.attributes["aria-label"].startswith("60 closes, ")


def test_every_row_links_to_the_page_of_its_ticker():
    links = [one.attributes["href"] for one in candidates().one("table", aria_label="strong").all("a")]
    assert links == [f"tickers/{name}.html" for name in ("_43ON", "AA_70", "AAP", "FLAT", "BRK-A")]


def test_the_page_links_to_the_sessions_beside_it():
    nav = candidates().one("nav", data_session=str(SESSION))
    assert nav.one("a", rel="prev").attributes["href"] == f"../{BEFORE}/index.html"
    assert "href" not in nav.one("a", rel="next").attributes


@pytest.mark.parametrize("name", TICKERS)
def test_the_ticker_s_page_shows_the_last_bars_as_the_tables_have_them(name):
    table = history().filter(ticker=name).sort("session", descending=True).head(20)
    digits = 4 if name == "PENNY" else 2
    for cells, bar in zip(rows(ticker(name), data_bars=None), table.iter_rows(named=True), strict=True):
        prices = [expected_text(bar[column], digits) for column in ("open", "high", "low", "close")]
        assert cells[:6] == [str(bar["session"]), *prices, expected_text(bar["volume"], 0)]
        assert cells[6:8] == [expected_text(bar["sma_50"], digits), expected_text(bar["sma_200"], digits)]
        assert cells[8:11] == [
            expected_text(bar[column], digits + 1, "+") for column in ("macd", "macd_signal", "macd_histogram")
        ]
        assert cells[11] == expected_text(bar["rsi_14"], 1)


def test_the_ticker_s_page_shows_its_key_figures_on_top():
    bar = history().filter(ticker="CON", session=SESSION).row(0, named=True)
    page = ticker()
    figures = {one.attributes["data-figure"]: one.text for one in page.all() if "data-figure" in one.attributes}
    assert figures["Close"] == expected_text(bar["close"], 2)
    assert figures["High"] == expected_text(bar["high"], 2)
    assert (
        figures["ATR 14"]
        == f"{expected_text(bar['atr_14'], 2)} {expected_text(100 * bar['atr_14'] / bar['close'], 1)} %"
    )
    assert len(figures) == 21


def test_the_chart_s_numbers_are_the_tables_to_the_last_bit():
    own = history().filter(ticker="CON").sort("session")
    data = json.loads(ticker().one("script", id="chart-data").text)
    assert data["sessions"] == [str(session) for session in own["session"]]
    assert data["columns"] == {name: own[name].to_list() for name in CHARTED}
    assert data["support"] == own["support"][-1]


def test_contributions_are_shown_and_drawn_in_their_order():
    candidate = listed().filter(ticker="CON", session=SESSION).row(0, named=True)
    listing = ticker().one("section", class_="listing")
    for element, one in zip(listing.one("tbody").all("tr"), candidate["contributions"], strict=True):
        cells = [cell.text for cell in element.children if isinstance(cell, Element)]
        assert cells[0] == one["factor"]
        assert cells[5].lstrip("+") == expected_text(one["contribution"], 3)
        bar = element.one("rect")
        largest = max(abs(each["contribution"]) for each in candidate["contributions"])
        assert float(bar.attributes["width"]) == pytest.approx(29 * abs(one["contribution"]) / largest, abs=0.06)
    assert [reason.text for reason in listing.all("li")] == candidate["reasons"]


def test_the_history_on_the_lists_is_shown_newest_first():
    past = listed().filter(ticker="CON").sort(["session", "model"], descending=[True, False]).head(30)
    expected = [
        [
            str(row["session"]),
            row["model"],
            str(row["rank"]),
            expected_text(row["score"], 2, "+"),
            expected_text(row["close"], 2),
        ]
        for row in past.iter_rows(named=True)
    ]
    assert rows(ticker(), data_past=None) == expected


def test_the_basis_of_the_prices_and_the_splits_are_stated():
    splits = pl.DataFrame(
        {"ticker": ["CON"], "execution_date": [date(2024, 6, 10)], "split_from": [1.0], "split_to": [2.5]}
    )
    stated = ticker(splits=splits).one("p", class_="quiet basis").text
    assert stated == f"Prices: {BASIS}. Splits: 2.5:1 on 2024-06-10."
    assert ticker(splits=splits.clear()).one("p", class_="quiet basis").text.endswith("Splits: none known.")
    assert ticker(splits=None).one("p", class_="quiet basis").text.endswith("Splits: unknown.")


def test_a_ticker_without_a_bar_has_a_page_without_a_chart():
    page = ticker("NEVER")
    assert "No bar up to" in page.one("p", class_="notice").text
    assert page.all("div", id="chart") == []
    assert page.all("script", id="chart-data") == []


def test_the_first_bar_of_a_ticker_has_a_page():
    page = ticker(session=SESSIONS[0])
    assert len(body(page, data_bars=None)) == 1
    assert "−" not in page.one("dl", class_="figures").text


def test_the_index_links_to_every_session_and_its_best():
    page = parsed(html.index_html(index_page(listed(), [BEFORE, SESSION], ["strong", "dips"])))
    first, second = body(page, class_="index")
    assert [link.attributes["href"] for link in first.all("a")] == [
        f"{SESSION}/index.html",
        f"{SESSION}/tickers/_43ON.html",
    ]
    score = expected_text(listed().filter(ticker="CON", session=SESSION)["score"].item(), 2, "+")
    assert [cell.text for cell in first.children if isinstance(cell, Element)] == [
        *(f"Fri {SESSION}", "6", "5", "5", f"CON {score}"),
        *("–", "–", "0", "–"),
    ]
    assert [cell.text for cell in second.all("td")][4:7] == ["6", "1", "1"]


def test_a_page_that_is_sent_links_to_nothing():
    page = session_page(SESSION, candidate_tables(before=GONE, signals=signals("AAP")), around=Around(BEFORE, None))
    for sent in (html.candidates_document(page), html.ticker_document(ticker_page(SESSION, "CON", ticker_tables()))):
        tree = parsed(sent)
        assert tree.all("a") == []
        assert all("src" not in one.attributes for one in tree.all("script"))
        assert [one.attributes["rel"] for one in tree.all("link")] == ["icon"]
