import polars as pl
import pytest

from assets_tests.reports.market import BEFORE, SESSION, SESSIONS, listed
from pipeline.errors import ContractBroken
from pipeline.reports.index_page import index_page


def test_the_newest_session_comes_first_with_what_each_model_listed():
    page = index_page(listed(), [BEFORE, SESSION], ["strong", "dips"])
    assert page.models == ("strong", "dips")
    assert [row.session for row in page.rows] == [SESSION, BEFORE]
    strong, dips = page.rows[0].lists
    first = listed().filter(session=SESSION, model="strong", rank=1).row(0, named=True)
    assert (strong.kept, strong.passed, strong.scanned) == (5, 5, 6)
    assert (strong.ticker, strong.score) == (first["ticker"], first["score"])
    assert dips is None
    assert page.rows[1].lists[1].kept == 1


def test_only_sessions_with_a_page_are_listed():
    assert [row.session for row in index_page(listed(), [SESSION]).rows] == [SESSION]


def test_a_session_without_candidates_keeps_its_row():
    page = index_page(listed(), [SESSIONS[0], SESSION], ["strong", "dips"])
    assert page.rows[1].session == SESSIONS[0]
    assert page.rows[1].lists == (None, None)


def test_models_that_are_not_named_follow_by_name():
    assert index_page(listed(), [SESSION, BEFORE]).models == ("dips", "strong")
    assert index_page(listed(), [SESSION, BEFORE], ["strong"]).models == ("strong", "dips")


def test_an_empty_folder_has_an_empty_index():
    assert index_page(listed(), [], ["strong"]).rows == ()


def test_a_frame_that_lacks_a_column_is_an_error():
    with pytest.raises(ContractBroken, match="passed"):
        index_page(listed().drop("passed"), [SESSION])


def test_the_order_of_the_rows_does_not_matter():
    shuffled = listed().sample(fraction=1, shuffle=True, seed=3)
    assert isinstance(shuffled, pl.DataFrame)
    assert index_page(shuffled, SESSIONS) == index_page(listed(), SESSIONS)
