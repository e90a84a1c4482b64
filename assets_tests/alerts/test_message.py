"""The message about a session, read as plain text."""

from datetime import date

import polars as pl

from assets_tests.alerts.days import FRI, THU, a_day, listed, signal, signals
from pipeline.alerts.message import Content, FailedCheck, content_of, correction, session_message
from pipeline.alerts.wording import TEXT, written

MODELS = ("trend", "pullback")


def text(day, top=5):
    return written(session_message(day, MODELS, top), TEXT)


def lines(day, top=5):
    return text(day, top).splitlines()


def test_a_quiet_session_reads_like_this():
    message = session_message(a_day(), MODELS, 5)
    assert message.title == "Candidates of 2024-01-05"
    assert written(message, TEXT) == (
        "trend: 3,120 of 10,171 passed\n"
        "1 GOOG 101.00 (+1.00): Up 12.0 % in 60 days\n"
        "2 IBM 102.00 (+0.50): Up 12.0 % in 60 days\n"
        "\n"
        "pullback: no stock passed\n"
        "\n"
        "Data in order"
    )


def test_what_to_sell_comes_first_the_most_severe_on_top():
    day = a_day(signals=signals(signal("AAPL"), signal("NA", "td_sell_9", "low", reasons=["A ninth higher close"])))
    assert lines(day)[:4] == [
        "Sell: 2 new signals",
        "AAPL stop hit (high): Close 190.00 lies under the stop 195.00",
        "NA td sell 9 (low): A ninth higher close",
        "",
    ]


def test_a_signal_that_stood_the_session_before_is_only_counted():
    day = a_day(signals=signals(signal("AAPL"), signal("IBM", is_new=False), signal("NA", is_new=False)))
    assert lines(day)[:3] == [
        "Sell: 1 new signal",
        "AAPL stop hit (high): Close 190.00 lies under the stop 195.00",
        "2 signals of earlier sessions still hold",
    ]
    assert lines(a_day(signals=signals(signal("IBM", is_new=False))))[:2] == [
        "Sell: nothing new",
        "1 signal of earlier sessions still holds",
    ]


def test_two_positions_in_one_ticker_are_one_signal():
    day = a_day(signals=signals(signal("AAPL"), signal("AAPL", position=2)))
    assert lines(day)[0] == "Sell: 1 new signal"


def test_only_the_best_of_each_model_are_named():
    assert [line.split()[1] for line in lines(a_day(listed=listed(FRI, "A", "B", "C", "D")), top=2)[1:3]] == ["A", "B"]
    assert "C 103" not in text(a_day(listed=listed(FRI, "A", "B", "C", "D")), top=2)


def test_a_candidate_is_new_when_the_list_before_lacked_it_on_any_rank():
    day = a_day(listed=listed(FRI, "NEW", "CLIMBED"), before=listed(THU, "A", "B", "CLIMBED"))
    assert "1 NEW 101.00 (new, +1.00)" in text(day, top=2)
    assert "2 CLIMBED 102.00 (+0.50)" in text(day, top=2)


def test_one_of_the_best_is_gone_when_it_left_the_list_and_not_when_it_slipped_on_it():
    day = a_day(listed=listed(FRI, "A", "B", "SLIPPED"), before=listed(THU, "SLIPPED", "LEFT", "LOW"))
    assert "Gone: LEFT\n" in text(day, top=2)


def test_a_list_that_all_left_says_so():
    assert lines(a_day(listed=listed(FRI)))[:2] == ["trend: no stock passed", "Gone: GOOG, IBM"]


def test_the_lists_of_two_models_are_compared_each_with_its_own():
    day = a_day(listed=pl.concat([listed(FRI, "GOOG"), listed(FRI, "IBM", model="pullback")]))
    assert "1 IBM 101.00 (new, +1.00)" in text(day)
    assert "Gone: IBM" in text(day), "it left the trend"


def test_nothing_is_new_or_gone_when_the_session_before_is_not_held():
    words = text(a_day(before=None))
    assert "new" not in words.split("\n\n")[0]
    assert "Gone" not in words
    assert "nothing can be called new or gone" in words


def test_every_doubt_about_the_data_is_in_the_message():
    day = a_day(
        is_provisional=True,
        missing=[date(2024, 1, 2), date(2024, 1, 3)],
        held_without_bar=["HALTED"],
        held_delisted=[("GONE", date(2024, 1, 3))],
        rows_read=8_000,
        quarantined=100,
        are_splits_known=False,
        doubtful_splits=[("GOOG", date(2023, 6, 1), "conflicting")],
        held_in_doubt=[("HELD", "a split of 2023-06-01 is in doubt and not applied: 1 for 10")],
        failed_checks=[
            FailedCheck("covers_the_market", "stocks/daily_bars", stops=True),
            FailedCheck("nothing_in_doubt", "reference/splits", stops=False),
        ],
    )
    assert session_message(day, MODELS, 5).title == "Candidates of 2024-01-05, morning edition"
    assert text(day).split("\n\n")[-1].splitlines() == [
        "Data",
        "Provisional: from the morning edition; the vendor's flat file replaces it later in the day.",
        "Missing before it: 2024-01-02, 2024-01-03.",
        "Held, but without a bar: HALTED.",
        "Held, but delisted: GONE on 2024-01-03.",
        "Quarantined: 100 of 8,000 rows (1.25%).",
        "Splits unknown: prices are as traded.",
        "Split of GOOG on 2023-06-01 in doubt (conflicting), not applied.",
        "The value of your HELD may be wrong: a split of 2023-06-01 is in doubt and not applied: 1 for 10.",
        "Check covers_the_market of stocks/daily_bars failed.",
        "Check nothing_in_doubt of reference/splits warned.",
    ]


def test_many_missing_sessions_are_named_up_to_ten():
    missing = [date(2024, 1, day) for day in range(1, 13)]
    assert "2024-01-10 and 2 more." in text(a_day(missing=missing))


def test_a_price_below_a_dollar_has_four_decimals():
    cheap = listed(FRI, "PENNY").with_columns(close=pl.lit(0.01234))
    assert "1 PENNY 0.0123 (new, +1.00)" in text(a_day(listed=cheap))


def test_the_content_of_an_alert_is_the_best_of_each_model_and_the_new_signals():
    day = a_day(
        listed=pl.concat([listed(FRI, "A", "B", "C"), listed(FRI, "A", model="pullback")]),
        signals=signals(signal("AAPL"), signal("IBM", is_new=False)),
    )
    assert content_of(day, 2) == Content(
        listed=frozenset({("trend", "A"), ("trend", "B"), ("pullback", "A")}),
        selling=frozenset({("AAPL", "stop_hit")}),
    )


def test_another_order_changes_no_content():
    assert content_of(a_day(listed=listed(FRI, "A", "B")), 2) == content_of(a_day(listed=listed(FRI, "B", "A")), 2)


def test_a_correction_says_what_changed_and_then_all_of_it():
    first = content_of(a_day(listed=listed(FRI, "GOOG", "OUT"), signals=signals(signal("AAPL"))), 5)
    now = a_day(listed=listed(FRI, "GOOG", "IN"), signals=signals(signal("IBM", "close_under_sma")))
    message = correction(now, first, MODELS, 5)
    assert message.title == "Corrected candidates of 2024-01-05"
    message_text = written(message, TEXT)
    assert message_text.splitlines()[:5] == [
        "Changed since the first message",
        "trend in IN; out OUT",
        "Sell IBM close under sma",
        "No longer sell AAPL stop hit",
        "",
    ]
    assert message_text.endswith(text(now))
