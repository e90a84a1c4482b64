from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from assets_tests.own_models import DIPS, STRONG
from assets_tests.reports.market import (
    BEFORE,
    SESSION,
    bars,
    candidate_tables,
    history,
    listed,
    session_page,
    signals,
)
from pipeline.errors import ContractBroken
from pipeline.reports.candidates_page import Around, CandidatesPage, ModelList


def page(**changed: object) -> CandidatesPage:
    return session_page(SESSION, candidate_tables(**changed))


def model(made: CandidatesPage, name: str) -> ModelList:
    (found,) = [one for one in made.models if one.model == name]
    return found


def before(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"model": pl.String, "ticker": pl.String, "rank": pl.Int32}, orient="row")


def test_a_row_shows_what_the_tables_say_of_the_ticker():
    bar = history().filter(ticker="CON", session=SESSION).row(0, named=True)
    candidate = listed().filter(ticker="CON", session=SESSION, model="strong").row(0, named=True)
    row = model(page(), "strong").rows[0]
    assert (row.rank, row.ticker, row.score, row.close) == (1, "CON", candidate["score"], bar["close"])
    assert (row.change, row.rsi, row.macd_histogram) == (bar["return_1"], bar["rsi_14"], bar["macd_histogram"])
    assert row.to_sma_20 == pytest.approx(bar["close"] / bar["sma_20"] - 1)
    assert row.to_sma_200 == pytest.approx(bar["close"] / bar["sma_200"] - 1)
    assert row.dollar_volume == bar["dollar_volume_20"]
    assert list(row.reasons) == candidate["reasons"]


def test_a_list_shows_how_many_were_scanned_and_passed():
    strong = model(page(), "strong")
    assert (strong.scanned, strong.passed, len(strong.rows)) == (6, 5, 5)
    assert (strong.version, strong.description) == (STRONG.version, STRONG.description)


def test_a_model_with_an_empty_list_is_shown_empty():
    dips = model(page(), "dips")
    assert dips.rows == ()
    assert (dips.version, dips.scanned, dips.passed) == (DIPS.version, 6, None)


def test_models_come_as_declared_and_others_after_them():
    made = page(before=before(("retired", "AAP", 1)))
    assert [one.model for one in made.models] == ["strong", "dips", "retired"]
    assert [gone.ticker for gone in model(made, "retired").dropped] == ["AAP"]


def test_new_is_who_was_not_on_the_list_of_the_session_before():
    strong = model(page(before=before(("strong", "CON", 4), ("dips", "AAP", 1))), "strong")
    assert strong.new == ("AAp", "AAP", "FLAT", "BRK.A")


def test_dropped_is_who_was_on_it_and_is_no_more_with_the_rank_it_had():
    made = page(before=before(("strong", "GONE", 7), ("strong", "LOST", 2), ("strong", "CON", 1)))
    assert [(one.ticker, one.rank) for one in model(made, "strong").dropped] == [("LOST", 2), ("GONE", 7)]


def test_without_the_list_before_no_ticker_is_new_or_dropped():
    strong = model(page(before=None), "strong")
    assert strong.new == ()
    assert strong.dropped is None


def test_an_empty_list_before_makes_everybody_new():
    strong = model(page(before=before()), "strong")
    assert len(strong.new) == 5
    assert strong.dropped == ()


def test_the_sparkline_is_of_the_last_60_closes_up_to_the_session():
    row = model(page(), "strong").rows[0]
    closes = bars().filter(ticker="CON")["close"].to_list()
    assert list(row.sparkline.closes) == closes[-60:]


def test_closes_after_the_session_are_not_drawn():
    made = session_page(BEFORE, candidate_tables(listed=listed_of(BEFORE)))
    closes = bars().filter(ticker="CON")["close"].to_list()
    assert list(model(made, "strong").rows[0].sparkline.closes) == closes[-61:-1]


def test_a_ticker_without_closes_has_no_sparkline():
    made = page(closes=bars().filter(pl.col("ticker") != "CON"))
    assert model(made, "strong").rows[0].sparkline.points == ""


def test_rows_of_another_session_are_not_shown():
    both = pl.concat([listed_of(BEFORE), listed_of(SESSION)])
    assert page(listed=both) == page()


def listed_of(session: date) -> pl.DataFrame:
    return listed().filter(session=session).join(history().drop("close"), on=["ticker", "session"])


def test_sell_signals_come_in_the_order_given():
    made = page(signals=signals("ZZZ", "AAP"))
    assert [one.ticker for one in made.signals] == ["ZZZ", "AAP"]
    assert made.signals[0].reasons == ("Close 2.9 % under the stop",)


def test_no_positions_kept_is_not_the_same_as_no_signal():
    assert page().signals is None
    assert page(signals=signals()).signals == ()


def test_every_ticker_that_the_page_links_to_is_named_once():
    made = page(before=before(("strong", "GONE", 7), ("strong", "CON", 1)), signals=signals("AAP", "HELD"))
    assert made.tickers == ("CON", "AAp", "AAP", "FLAT", "BRK.A", "GONE", "HELD")


def test_names_come_from_the_securities():
    securities = pl.DataFrame({"ticker": ["CON", "AAP"], "name": ["Continental", None]})
    names = {row.ticker: row.name for row in model(page(securities=securities), "strong").rows}
    assert names["CON"] == "Continental"
    assert names["AAP"] is None
    assert names["FLAT"] is None


def test_a_session_without_candidates_has_a_page():
    nobody = candidate_tables().listed.clear()
    made = page(listed=nobody, before=before(("strong", "CON", 1)))
    assert [one.rows for one in made.models] == [(), ()]
    assert model(made, "strong").scanned is None
    assert made.tickers == ("CON",)


def test_notices_and_neighbours_are_carried():
    around = Around(BEFORE, None)
    made = session_page(SESSION, candidate_tables(), notices=["Splits unknown"], around=around)
    assert made.notices == ("Splits unknown",)
    assert made.around == around


@pytest.mark.parametrize(
    ("frame", "column"),
    [("listed", "rsi_14"), ("closes", "close"), ("before", "rank"), ("signals", "rule"), ("securities", "name")],
)
def test_a_frame_that_lacks_a_column_is_named_with_it(frame, column):
    complete = candidate_tables(signals=signals(), securities=pl.DataFrame({"ticker": [], "name": []}))
    lacking = replace(complete, **{frame: getattr(complete, frame).drop(column)})
    with pytest.raises(ContractBroken, match=column):
        session_page(SESSION, lacking)
