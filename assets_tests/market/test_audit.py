from datetime import UTC, date, datetime

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.market.audit import unreconciled, with_arrivals

FRI, MON = date(2024, 1, 5), date(2024, 1, 8)


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
    assert fates(with_arrivals(DELIVERIES.empty(), deliveries(delivery()))) == [(FRI, "v1", True, "run")]


def test_a_new_version_makes_the_ones_before_it_no_longer_current():
    known = deliveries(delivery(etag="v1", is_current=False), delivery(etag="v2"))
    found = fates(with_arrivals(known, deliveries(delivery(etag="v3", run_id="later"))))
    assert found == [(FRI, "v1", False, "run"), (FRI, "v2", False, "run"), (FRI, "v3", True, "later")]


def test_a_version_that_arrives_again_takes_the_place_of_its_row():
    known = deliveries(delivery(etag="v1", is_current=False), delivery(etag="v2"))
    found = fates(with_arrivals(known, deliveries(delivery(etag="v1", run_id="later"))))
    assert found == [(FRI, "v1", True, "later"), (FRI, "v2", False, "run")]


def test_sessions_without_an_arrival_are_left_out():
    known = deliveries(delivery(FRI), delivery(MON))
    assert fates(with_arrivals(known, deliveries(delivery(MON, etag="v2")))) == [
        (MON, "v1", False, "run"),
        (MON, "v2", True, "run"),
    ]


def bars(*counts):
    sessions = [session for session, count in counts for _ in range(count)]
    return pl.LazyFrame({"session": sessions}, schema={"session": DAILY_BARS.columns["session"]})


def rejected(*counts):
    sessions = [session for session, count in counts for _ in range(count)]
    return pl.LazyFrame({"session": sessions}, schema={"session": QUARANTINE.columns["session"]})


def differing(audit, held, out):
    return unreconciled(deliveries(*audit).lazy(), held, out).collect()["session"].to_list()


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
