from datetime import date

import polars as pl

from pipeline.market.screen.list_changes import in_words, list_changes

FRI, MON = date(2024, 1, 5), date(2024, 1, 8)


def lists(*rows):
    """Return lists from (session, model, tickers from the best on)."""
    listed = [
        (session, model, ticker, rank)
        for session, model, tickers in rows
        for rank, ticker in enumerate(tickers.split(), start=1)
    ]
    columns = {"session": pl.Date, "model": pl.String, "ticker": pl.String, "rank": pl.Int32}
    return pl.DataFrame(listed, schema=columns, orient="row")


def test_who_entered_left_and_moved_is_reported_with_both_ranks():
    changed = list_changes(lists((FRI, "trend", "A B C")), lists((FRI, "trend", "B D C")))
    assert changed.rows() == [
        (FRI, "trend", "left", "A", 1, None),
        (FRI, "trend", "moved", "B", 2, 1),
        (FRI, "trend", "entered", "D", None, 2),
    ]


def test_models_and_sessions_are_apart():
    before = lists((FRI, "trend", "A"), (FRI, "pullback", "A"), (MON, "trend", "A"))
    after = lists((FRI, "trend", "A"), (FRI, "pullback", "B"), (MON, "trend", "A"))
    assert list_changes(before, after).select("session", "model", "change", "ticker").rows() == [
        (FRI, "pullback", "left", "A"),
        (FRI, "pullback", "entered", "B"),
    ]


def test_a_session_ranked_for_the_first_time_changes_nothing():
    assert list_changes(lists((FRI, "trend", "A")), lists((FRI, "trend", "A"), (MON, "trend", "B"))).is_empty()
    assert list_changes(lists(), lists((FRI, "trend", "A"))).is_empty()


def test_a_model_whose_list_becomes_empty_drops_all():
    assert in_words(list_changes(lists((FRI, "trend", "A B")), lists())) == "trend: −A −B"


def test_words_name_who_entered_and_left_and_count_who_moved():
    before = lists((FRI, "pullback", "IBM"), (FRI, "trend", "MSFT A B C"))
    after = lists((FRI, "pullback", "IBM KO"), (FRI, "trend", "AAPL B A C"))
    assert in_words(list_changes(before, after)) == "pullback: +KO; trend: +AAPL −MSFT, 2 moved"
    assert in_words(list_changes(before, before)) == ""


def test_a_long_row_of_names_is_cut():
    changed = list_changes(lists((FRI, "trend", "X")), lists((FRI, "trend", "X A B C D E F G")))
    assert in_words(changed) == "trend: +A +B +C +D +E +2 more"
