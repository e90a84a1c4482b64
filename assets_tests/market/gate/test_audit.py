from datetime import UTC, date, datetime

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.market.gate.audit import EXAMPLES, changes, unreconciled, with_arrivals

FRI, MON = date(2024, 1, 5), date(2024, 1, 8)
NONE = DELIVERIES.empty()


def delivery(session=FRI, etag="v1", **changed):
    whole = {
        "session": session,
        "key": f"{session}.csv.gz",
        "etag": etag,
        "is_current": True,
        "size": 100,
        "last_modified": datetime(2024, 1, 9, tzinfo=UTC),
        "sha256": "0" * 64,
        "rows_read": 4,
        "kept": 2,
        "duplicates": 1,
        "quarantined": 1,
        "run_id": "run",
    }
    return whole | changed


def deliveries(*rows):
    return pl.DataFrame(rows, schema=DELIVERIES.columns)


def fates(frame):
    return frame.select("session", "etag", "is_current", "run_id").rows()


def test_a_first_delivery_is_current():
    assert fates(with_arrivals(NONE, deliveries(delivery()), NONE)) == [(FRI, "v1", True, "run")]


def test_a_new_version_makes_the_ones_before_it_no_longer_current():
    known = deliveries(delivery(etag="v1", is_current=False), delivery(etag="v2"))
    found = fates(with_arrivals(known, deliveries(delivery(etag="v3", run_id="later")), NONE))
    assert found == [(FRI, "v1", False, "run"), (FRI, "v2", False, "run"), (FRI, "v3", True, "later")]


def test_a_version_that_arrives_again_takes_the_place_of_its_row():
    known = deliveries(delivery(etag="v1", is_current=False), delivery(etag="v2"))
    found = fates(with_arrivals(known, deliveries(delivery(etag="v1", run_id="later")), NONE))
    assert found == [(FRI, "v1", True, "later"), (FRI, "v2", False, "run")]


def test_sessions_without_an_arrival_are_left_out():
    known = deliveries(delivery(FRI), delivery(MON))
    assert fates(with_arrivals(known, deliveries(delivery(MON, etag="v2")), NONE)) == [
        (MON, "v1", False, "run"),
        (MON, "v2", True, "run"),
    ]


def test_a_version_that_never_reached_the_tables_joins_once():
    missed = delivery(etag="v2", is_current=False, rows_read=None, run_id="noted")
    first = with_arrivals(deliveries(delivery(etag="v1")), deliveries(delivery(etag="v3")), deliveries(missed))
    assert fates(first) == [(FRI, "v1", False, "run"), (FRI, "v2", False, "noted"), (FRI, "v3", True, "run")]
    again = with_arrivals(first, deliveries(delivery(etag="v3")), deliveries(missed, delivery(etag="v1")))
    assert fates(again) == fates(first)


def test_a_version_that_was_missed_and_is_worked_after_all_gets_its_counts():
    missed = deliveries(delivery(etag="v2", is_current=False, rows_read=None, run_id="noted"))
    assert fates(with_arrivals(missed, deliveries(delivery(etag="v2")), NONE)) == [(FRI, "v2", True, "run")]


def prices(*rows):
    """Return bars as (session, ticker, close, trades)."""
    columns = {"session": pl.Date, "ticker": pl.String, "close": pl.Float64, "trades": pl.Int64}
    return pl.DataFrame(rows, schema=columns, orient="row")


KEY = ("ticker", "session")


def test_rows_added_removed_and_altered_are_counted_by_session():
    before = prices((FRI, "A", 1.0, 1), (FRI, "B", 2.0, 1), (FRI, "C", 3.0, 1), (MON, "A", 1.0, 1))
    after = prices((FRI, "C", 3.5, 2), (FRI, "B", 2.0, 1), (FRI, "D", 4.0, 1), (FRI, "E", 5.0, 1), (MON, "A", 1.0, 1))
    found = changes(before, after, KEY)
    assert found.counts.to_dicts() == [
        {"session": FRI, "rows_added": 2, "rows_removed": 1, "rows_altered": 1},
        {"session": MON, "rows_added": 0, "rows_removed": 0, "rows_altered": 0},
    ]
    assert found.examples.rows() == [
        ("A", FRI, "removed", None, None, None),
        ("C", FRI, "altered", "close", "3.0", "3.5"),
        ("C", FRI, "altered", "trades", "1", "2"),
        ("D", FRI, "added", None, None, None),
        ("E", FRI, "added", None, None, None),
    ]


def test_a_session_written_for_the_first_time_changes_nothing():
    found = changes(prices((FRI, "A", 1.0, 1)), prices((FRI, "A", 1.0, 1), (MON, "A", 1.0, 1)), KEY)
    assert found.counts["session"].to_list() == [FRI]
    nothing = changes(prices(), prices((FRI, "A", 1.0, 1)), KEY)
    assert nothing.counts.is_empty()
    assert nothing.examples.is_empty()


def test_a_value_that_was_null_or_becomes_null_is_altered_and_two_nulls_are_equal():
    before = prices((FRI, "A", None, 1), (FRI, "B", 1.0, 1), (FRI, "C", None, 1))
    after = prices((FRI, "A", 1.0, 1), (FRI, "B", None, 1), (FRI, "C", None, 1))
    found = changes(before, after, KEY)
    assert found.counts["rows_altered"].to_list() == [2]
    assert found.examples.select("ticker", "before", "after").rows() == [("A", None, "1.0"), ("B", "1.0", None)]


def test_a_session_that_lost_all_its_rows_is_found():
    assert changes(prices((FRI, "A", 1.0, 1)), prices(), KEY).counts["rows_removed"].to_list() == [1]


def test_examples_are_few_and_of_every_kind():
    before = prices(*((FRI, f"A{number:03}", 1.0, 1) for number in range(100)), (FRI, "Z", 1.0, 1))
    after = prices(*((FRI, f"A{number:03}", 2.0, 2) for number in range(100)), (FRI, "ZZ", 1.0, 1))
    examples = changes(before, after, KEY).examples
    assert len(examples) == EXAMPLES
    assert set(examples["change"]) == {"altered", "removed", "added"}


def bars(*counts):
    sessions = [session for session, count in counts for _ in range(count)]
    return pl.LazyFrame({"session": sessions}, schema={"session": DAILY_BARS.columns["session"]})


def rejected(*counts):
    sessions = [session for session, count in counts for _ in range(count)]
    return pl.LazyFrame({"session": sessions}, schema={"session": QUARANTINE.columns["session"]})


def differing(audit, stored, out):
    return unreconciled(deliveries(*audit).lazy(), stored, out).collect()["session"].to_list()


def test_tables_that_hold_what_the_audit_trail_says_reconcile():
    assert differing([delivery(FRI), delivery(MON)], bars((FRI, 2), (MON, 2)), rejected((FRI, 1), (MON, 1))) == []


def test_a_lost_bar_a_lost_rejected_row_and_one_too_many_are_found():
    assert differing([delivery(FRI)], bars((FRI, 1)), rejected((FRI, 1))) == [FRI]
    assert differing([delivery(FRI)], bars((FRI, 2)), rejected()) == [FRI]
    assert differing([delivery(FRI)], bars((FRI, 3)), rejected((FRI, 1))) == [FRI]


def test_a_row_that_the_counts_do_not_account_for_is_found():
    assert differing([delivery(FRI, rows_read=5)], bars((FRI, 2)), rejected((FRI, 1))) == [FRI]


def test_bars_or_rejected_rows_without_a_current_delivery_are_found():
    assert differing([], bars((FRI, 1)), rejected()) == [FRI]
    assert differing([], bars(), rejected((MON, 1))) == [MON]
    assert differing([delivery(FRI, is_current=False)], bars((FRI, 2)), rejected((FRI, 1))) == [FRI]


def test_a_delivery_whose_rows_are_all_gone_is_found():
    assert differing([delivery(FRI)], bars(), rejected()) == [FRI]


def test_replaced_versions_do_not_count():
    audit = [delivery(FRI, etag="v1", is_current=False, rows_read=9, kept=9), delivery(FRI, etag="v2")]
    assert differing(audit, bars((FRI, 2)), rejected((FRI, 1))) == []
