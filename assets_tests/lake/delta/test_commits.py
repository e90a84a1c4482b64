"""What a commit records about itself."""

from assets_tests.lake.conftest import FEB_1, JAN_2, JAN_3, PRICES, REJECTS, prices, rejects
from pipeline.lake.delta.maintenance import compact


def commit(lake, table, version):
    return next(row for row in lake.history(f"stocks/{table.name}").iter_rows(named=True) if row["version"] == version)


def test_a_commit_records_its_sessions_and_the_versions_it_was_made_from(lake):
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r1")
    newest = lake.replace(PRICES, [JAN_3, FEB_1], [prices(JAN_3, A=1.0), prices(FEB_1, A=1.0)], run_id="r2").version
    readings = [lake.read(PRICES), lake.read(REJECTS)]
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=2.0)], run_id="after the reading")
    made = lake.replace(REJECTS, [JAN_2], [rejects(JAN_2, 1)], run_id="r3", read=readings).version
    entry = commit(lake, REJECTS, made)
    assert entry["read"] == [
        {"table": "stocks.prices", "version": newest},
        {"table": "stocks.rejects", "version": None},
    ]
    assert (entry["run_id"], entry["first_session"], entry["last_session"]) == ("r3", JAN_2, JAN_2)
    spanning = commit(lake, PRICES, newest)
    assert (spanning["first_session"], spanning["last_session"], spanning["read"]) == (JAN_3, FEB_1, [])


def test_a_reading_stays_at_its_version(lake):
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r1")
    reading = lake.read(PRICES, JAN_2, JAN_2)
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=2.0)], run_id="r2")
    assert reading.rows.collect()["close"].to_list() == [1.0]
    assert reading.version == 1


def test_a_commit_that_changes_no_row_records_no_session(lake):
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r1")
    lake.replace(PRICES, [JAN_3], [prices(JAN_3, A=1.0)], run_id="r2")
    compact(lake, PRICES, run_id="compaction")
    newest = lake.history("stocks/prices").row(0, named=True)
    assert newest["run_id"] == "compaction"
    assert (newest["first_session"], newest["read"]) == (None, None)
