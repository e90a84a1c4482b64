"""Reference data as Dagster refreshes it from a folder: the history it keeps, and what a bad answer changes."""

from datetime import date

import pytest
from dagster import AssetIn, AssetKey, AssetSpec, asset, materialize

from assets_tests.assets.reference_runs import (
    ReferenceFolder,
    dividend,
    refresh,
    refresh_with_checks,
    renamed,
    security,
    split,
)
from assets_tests.dagster_runs import QUIET, failure_of, instance, rows
from assets_tests.examples import first_quick
from assets_tests.stock_graph import STOCK_SESSIONS
from assets_tests.stocks import EVERY_TABLE
from pipeline.contracts.reference import DIVIDENDS, REFERENCE_TABLES, SPLITS, TICKER_EVENTS, TICKERS
from pipeline.lake.delta.commits import Reading
from pipeline.lake.lake import Lake
from pipeline.market.securities.reference import applicable_splits, as_known
from pipeline.orchestration.lake_reader import LakeReader
from pipeline.sample.real import lay_down_real
from pipeline.settings import Settings

SPLITS_KEY = AssetKey(["reference", "splits"])


@pytest.fixture
def folder(tmp_path):
    return ReferenceFolder(tmp_path)


def versions(settings):
    lake = Lake(settings.lake)
    return {table.name: lake.version(table) for table in REFERENCE_TABLES if lake.exists(table)}


@pytest.mark.thorough
def test_the_sample_s_reference_data_is_found_beside_its_flat_files(tmp_path):
    sample = lay_down_real(tmp_path / "sample").folder
    settings = Settings(home=tmp_path / "home", flat_files=str(sample))
    refreshed = refresh_with_checks(settings)
    assert refreshed.result.success
    assert refreshed.warnings == []
    assert rows(settings, TICKERS)["ticker"].to_list() == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    assert len(rows(settings, DIVIDENDS)) == 77
    assert applicable_splits(rows(settings, SPLITS)).rows() == [("AAPL", date(2005, 2, 28), 1.0, 2.0)]
    assert refreshed.failed_checks == {}


def test_each_refresh_shows_what_changed(folder):
    folder.tell(splits=[split("A"), split("B"), split("B", new=3, id="B2"), split("C", new=0)])
    metadata = refresh(folder.settings).metadata["splits"]
    assert (metadata["holding"], metadata["added"], metadata["withdrawn"]) == (4, 4, 0)
    assert (metadata["doubt_conflicting"], metadata["doubt_not_positive"]) == (2, 1)

    folder.tell(splits=[split("A", new=4), split("B"), split("C", new=0)])
    metadata = refresh(folder.settings).metadata["splits"]
    assert (metadata["dagster/row_count"], metadata["holding"], metadata["added"], metadata["withdrawn"]) == (
        5,
        3,
        1,
        2,
    )
    assert [(row["change"], row["ticker"], row["split_to"]) for row in metadata["changes"]] == [
        ("withdrawn", "A", 2.0),
        ("withdrawn", "B", 3.0),
        ("added", "A", 4.0),
    ]
    assert applicable_splits(rows(folder.settings, SPLITS))["split_to"].to_list() == [4.0, 2.0]


@pytest.mark.thorough
def test_the_same_answer_again_changes_no_row_but_the_moment_last_seen(folder):
    folder.tell(tickers=[security("A")], splits=[split("A")], dividends=[dividend("A")])
    refresh(folder.settings)
    before = {table.name: rows(folder.settings, table).drop("last_seen_at") for table in REFERENCE_TABLES}
    refreshed = refresh(folder.settings)
    for table in REFERENCE_TABLES:
        after = rows(folder.settings, table)
        assert after.drop("last_seen_at").equals(before[table.name])
        assert (after["last_seen_at"] > after["first_seen_at"]).all()
        metadata = refreshed.metadata[table.name]
        assert (metadata["added"], metadata["withdrawn"], metadata["changes"]) == (0, 0, [])


@pytest.mark.thorough
def test_what_the_vendor_takes_back_is_shown_by_a_check_until_the_next_refresh(folder):
    folder.tell(tickers=[security("A"), security("B")], splits=[split("A"), split("B")], dividends=[dividend("A")])
    assert refresh_with_checks(folder.settings).failed_checks == {}
    folder.tell(tickers=[security("A", name="Renamed")], splits=[split("A")], dividends=[dividend("A", amount=0.7)])
    failed = refresh_with_checks(folder.settings).failed_checks
    assert set(failed) == {(name, "nothing_withdrawn") for name in ("tickers", "splits", "dividends")}
    assert [row["ticker"] for row in failed["tickers", "nothing_withdrawn"]["rows"]] == ["B"]
    assert [row["ticker"] for row in failed["splits", "nothing_withdrawn"]["rows"]] == ["B"]
    assert failed["dividends", "nothing_withdrawn"]["withdrawn"] == 1
    assert refresh_with_checks(folder.settings).failed_checks == {}


@pytest.mark.thorough
def test_what_is_in_doubt_is_shown_by_a_check_for_as_long_as_it_is(folder):
    folder.tell(
        splits=[split("A", new="2e+06"), split("B")],
        dividends=[dividend("A", currency="CAD"), dividend("B", amount="?"), dividend("C"), dividend("C", id="C2")],
    )
    for _ in range(2):
        refreshed = refresh_with_checks(folder.settings)
        assert refreshed.result.success
        failed = refreshed.failed_checks
        assert set(failed) == {("splits", "nothing_in_doubt"), ("dividends", "nothing_in_doubt")}
        assert [row["doubt"] for row in failed["splits", "nothing_in_doubt"]["rows"]] == ["implausible"]
        doubts = {name: value for name, value in failed["dividends", "nothing_in_doubt"].items() if name != "rows"}
        assert doubts == {"not_usd": 1, "unreadable": 1, "repeated": 1}


BAD = {
    "an answer that ends in the middle": '{"status": "OK", "results": [{"ticker": "A"',
    "a first page of several": '{"status": "OK", "results": [], "next_url": "https://api.massive.com/x?cursor=1"}',
    "a row of nobody": '{"status": "OK", "results": [{"execution_date": "2024-01-05"}]}',
    "no rows any more": '{"status": "OK", "results": []}',
}


@pytest.mark.parametrize("what", first_quick(BAD))
def test_a_bad_answer_overwrites_nothing(folder, what):
    folder.tell(splits=[split("A")], dividends=[dividend("A")])
    refresh(folder.settings)
    before, stored = versions(folder.settings), rows(folder.settings, SPLITS)
    folder.write("splits.json", BAD[what])
    refreshed = refresh(folder.settings)
    assert not refreshed.result.success
    assert "AnswerRefused" in failure_of(refreshed.result)
    assert rows(folder.settings, SPLITS).equals(stored)
    # The other tables are still refreshed.
    moved = {name: version - before[name] for name, version in versions(folder.settings).items()}
    assert moved == {"tickers": 1, "splits": 0, "dividends": 1, "ticker_events": 1}


def test_an_empty_answer_where_nothing_was_known_is_an_empty_table(folder):
    folder.tell()
    assert refresh(folder.settings).result.success
    assert all(rows(folder.settings, table).is_empty() for table in REFERENCE_TABLES)


def test_without_a_source_the_tables_are_empty_with_a_warning(tmp_path):
    settings = Settings(home=tmp_path / "home")
    refreshed = refresh(settings)
    assert refreshed.result.success
    assert all(rows(settings, table).is_empty() for table in REFERENCE_TABLES)
    assert any(warning.startswith("Splits unknown") for warning in refreshed.warnings)
    assert refreshed.metadata["splits"]["source"] == "no source of reference data"


def test_what_was_known_stays_when_the_source_is_gone(folder):
    folder.tell(splits=[split("A")])
    refresh(folder.settings)
    before = versions(folder.settings)
    refreshed = refresh(Settings(home=folder.settings.home))
    assert refreshed.result.success
    assert versions(folder.settings) == before
    assert refreshed.metadata["splits"]["dagster/row_count"] == 1
    assert any(warning.startswith("Splits not refreshed") for warning in refreshed.warnings)


@pytest.mark.thorough
def test_renames_in_the_folder_are_taken_whole(folder):
    folder.tell(ticker_events=[renamed("F-META", META="2022-06-09", FB="2012-05-18"), renamed("F-A", A="2020-01-02")])
    refresh_with_checks(folder.settings)
    folder.tell(ticker_events=[renamed("F-META", META="2022-06-09", FB="2012-05-18")])
    failed = refresh_with_checks(folder.settings).failed_checks
    assert [row["ticker"] for row in failed["ticker_events", "nothing_withdrawn"]["rows"]] == ["A"]
    assert as_known(rows(folder.settings, TICKER_EVENTS))["ticker"].to_list() == ["FB", "META"]
    folder.tell(ticker_events=[])
    assert "has no ticker_events at all, where 2 were known" in failure_of(refresh_with_checks(folder.settings).result)
    (folder.root / "reference" / "ticker_events.json").unlink()
    assert refresh(folder.settings).result.success
    assert len(as_known(rows(folder.settings, TICKER_EVENTS))) == 2


@pytest.mark.thorough
def test_an_asset_of_a_session_can_take_a_whole_reference_table_as_its_input(folder):
    seen = []

    @asset(ins={"splits": AssetIn(SPLITS_KEY)}, partitions_def=STOCK_SESSIONS)
    def ratios(splits: Reading) -> None:
        seen.append(splits.rows.select("ticker", "split_to").collect().rows())

    def materialized():
        reader = {"io_manager": LakeReader(Lake(folder.settings.lake), EVERY_TABLE)}
        known = [AssetSpec(SPLITS_KEY), ratios]
        with instance() as dagster:
            return materialize(known, instance=dagster, resources=reader, run_config=QUIET, partition_key="2024-01-05")

    assert materialized().success
    folder.tell(splits=[split("A")])
    refresh(folder.settings)
    assert materialized().success
    assert seen == [[], [("A", 2.0)]]
