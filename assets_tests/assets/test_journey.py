"""Three sessions of a tiny market, run as one range: every table against numbers worked out by hand."""

from datetime import UTC, date, datetime, time
from hashlib import sha256
from types import SimpleNamespace

import polars as pl
import pytest
from dagster import AssetKey

from assets_tests.dagster_runs import instance, rows, run
from assets_tests.stocks import INDICATORS_TABLE, TABLES
from assets_tests.vendor_day import VendorFolder, key_of, row
from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.sources.port import Dataset

FRI, MON, TUE = date(2024, 1, 5), date(2024, 1, 8), date(2024, 1, 9)

AAPL = row(FRI, "AAPL", "10", open="9", high="11", low="8", volume="248274", transactions="900")
FRIDAY = [
    AAPL,
    row(FRI, "AAp", "61.68", high="70"),
    row(FRI, "AAP", "7"),
    row(FRI, "NA"),
    row(FRI, "TRUE", "11", transactions="5"),
    row(FRI, "1E5"),
    AAPL,
    row(FRI, "", "0", open="0", high="0", low="0", volume="0", transactions="0"),
    row(FRI, "UPSIDE", high="8", low="12"),
    row(FRI, "TRUE", "12", transactions="4"),
    row(FRI, "OWING", volume="-1"),
    row(MON, "LATE"),
    row(FRI, "WORDS", "ten"),
]
MONDAY = [
    row(MON, "AAPL", "12.000000", open="12.000000", high="13.500000", low="11.000000", volume="2036584.149027"),
    row(MON, "AAp", "61.680000", open="61.700000", high="70.000000", at=time(16)),
    row(MON, "TRUE", "11.000000", volume="0.500000"),
]
TUESDAY = [row(TUE, "AAPL", "9", open="12", high="12", low="8.5", volume="100"), row(TUE, "NA")]


@pytest.fixture(scope="module")
def market(tmp_path_factory, new_lake):
    vendor = VendorFolder(tmp_path_factory.mktemp("journey"))
    files = {FRI: vendor.lay(FRI, *FRIDAY), MON: vendor.lay(MON, *MONDAY), TUE: vendor.lay(TUE, *TUESDAY)}
    settings = vendor.settings(max_bad_share=0.5, **new_lake())
    with instance() as dagster:
        result = run(settings, [FRI, MON, TUE], instance=dagster)
        yield SimpleNamespace(settings=settings, files=files, result=result, instance=dagster)


def of_session(market, table, session):
    return rows(market.settings, table).filter(pl.col("session") == session)


def test_bars_are_the_good_rows_with_tickers_as_the_vendor_writes_them(market):
    bars = of_session(market, DAILY_BARS, FRI)
    assert bars["ticker"].to_list() == ["1E5", "AAP", "AAPL", "AAp", "NA", "TRUE"]
    assert bars["close"].to_list() == [10.0, 7.0, 10.0, 61.68, 10.0, 11.0]
    assert bars.row(2, named=True) == {
        "ticker": "AAPL",
        "session": FRI,
        "open": 9.0,
        "high": 11.0,
        "low": 8.0,
        "close": 10.0,
        "volume": 248274.0,
        "transactions": 900,
    }


def test_bars_of_a_file_with_six_decimals_keep_the_fraction_of_their_volume(market):
    bars = of_session(market, DAILY_BARS, MON)
    assert dict(bars.select("ticker", "volume").iter_rows()) == {"AAPL": 2036584.149027, "AAp": 1000.0, "TRUE": 0.5}
    assert dict(bars.select("ticker", "open").iter_rows()) == {"AAPL": 12.0, "AAp": 61.7, "TRUE": 10.0}


def test_rejected_rows_are_quarantined_as_written_with_their_reasons(market):
    rejected = rows(market.settings, QUARANTINE)
    assert rejected.select("session", "row_number", "ticker", "reasons").rows() == [
        (FRI, 8, "", ["missing_ticker", "non_positive_price"]),
        (FRI, 9, "UPSIDE", ["high_below_low", "open_or_close_outside_range"]),
        (FRI, 10, "TRUE", ["conflicting_duplicate"]),
        (FRI, 11, "OWING", ["negative_volume"]),
        (FRI, 12, "LATE", ["wrong_session"]),
        (FRI, 13, "WORDS", ["not_a_number"]),
    ]
    assert rejected["close"].to_list() == ["0", "10", "12", "10", "10", "ten"]
    assert set(rejected["key"]) == {key_of(FRI)}


def test_deliveries_record_what_became_of_every_row(market):
    deliveries = rows(market.settings, DELIVERIES)
    fates = deliveries.select("session", "key", "rows_read", "kept", "duplicates", "quarantined", "is_current")
    assert fates.rows() == [
        (FRI, key_of(FRI), 13, 6, 1, 6, True),
        (MON, key_of(MON), 3, 3, 0, 0, True),
        (TUE, key_of(TUE), 2, 2, 0, 0, True),
    ]


def test_deliveries_identify_the_bytes_and_the_run(market):
    deliveries = rows(market.settings, DELIVERIES)
    assert deliveries["size"].to_list() == [len(content) for content in market.files.values()]
    assert deliveries["sha256"].to_list() == [sha256(content).hexdigest() for content in market.files.values()]
    assert set(deliveries["run_id"]) == {market.result.run_id}
    assert all(datetime(2020, 1, 1, tzinfo=UTC) < modified for modified in deliveries["last_modified"])


def test_raw_files_are_the_vendor_s_bytes(market):
    raw = RawFiles(market.settings.lake)
    stored_files = {session: raw.read(raw.required(Dataset.DAY_AGGS, session)) for session in market.files}
    assert stored_files == market.files


def test_indicators_are_those_worked_out_by_hand(market):
    aapl = rows(market.settings, INDICATORS_TABLE).filter(pl.col("ticker") == "AAPL")
    assert aapl["session"].to_list() == [FRI, MON, TUE]
    assert aapl["bars"].to_list() == [1, 2, 3]
    assert aapl["return_1"].to_list() == [None, pytest.approx(0.2), pytest.approx(-0.25)]
    assert aapl["candle_color"].to_list() == [1, 0, -1]
    assert aapl["candle_high"].to_list() == [10.0, 12.0, 12.0]
    assert aapl["candle_low"].to_list() == [9.0, 12.0, 9.0]
    assert aapl["candle_mid"].to_list() == [9.5, 12.0, 10.5]
    assert aapl["sma_20"].to_list() == [None] * 3


def test_a_ticker_that_did_not_trade_has_no_indicators_that_session(market):
    stored_rows = rows(market.settings, INDICATORS_TABLE).select("session", "ticker")
    assert stored_rows.sort("session", "ticker").rows() == [
        *((FRI, ticker) for ticker in ("1E5", "AAP", "AAPL", "AAp", "NA", "TRUE")),
        *((MON, ticker) for ticker in ("AAPL", "AAp", "TRUE")),
        *((TUE, ticker) for ticker in ("AAPL", "NA")),
    ]
    na = rows(market.settings, INDICATORS_TABLE).filter(pl.col("ticker") == "NA")
    assert na["bars"].to_list() == [1, 2]


def test_no_ticker_of_three_bars_is_a_candidate(market):
    assert rows(market.settings, CANDIDATES).is_empty()


def test_a_range_is_one_commit_a_table_with_the_run_s_id(market):
    lake = Lake(market.settings.lake)
    for table in TABLES:
        commits = lake.history(f"{table.market}/{table.name}").select("version", "run_id").rows()
        assert commits == [(1, market.result.run_id), (0, None)], f"{table.sql_name}: created, then replaced once"


def test_every_partition_of_the_range_is_materialized(market):
    expected = {str(session) for session in (FRI, MON, TUE)}
    names = ["raw_day_aggs", *(table.name for table in TABLES)]
    for name in names:
        assert market.instance.get_materialized_partitions(AssetKey(["stocks", name])) == expected, name


def numbers_of(market, name):
    """Return the metadata of each partition of a table's materialization."""
    return {
        event.partition: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in market.result.get_asset_materialization_events()
        if event.asset_key == AssetKey(["stocks", name])
    }


def test_each_partition_of_bars_carries_its_own_numbers(market):
    numbers = numbers_of(market, "daily_bars")
    assert set(numbers) == {str(FRI), str(MON), str(TUE)}
    friday = {"dagster/partition_row_count": 6, "rows_read": 13, "kept": 6, "duplicates": 1, "quarantined": 6}
    assert friday.items() <= numbers[str(FRI)].items()
    assert {"dagster/partition_row_count": 2, "rows_read": 2}.items() <= numbers[str(TUE)].items()
    assert [numbers[str(session)]["table_version"] for session in (FRI, MON, TUE)] == [1, 1, 1]


def test_what_holds_for_the_whole_write_is_shown_at_the_newest_session_alone(market):
    numbers = numbers_of(market, "daily_bars")
    assert {"dagster/row_count": 11, "rows_written": 11}.items() <= numbers[str(TUE)].items()
    assert numbers[str(TUE)]["seconds"] > 0
    whole = {"dagster/row_count", "rows_written", "seconds"}
    assert not whole & (numbers[str(FRI)].keys() | numbers[str(MON)].keys())
    quarantined = numbers_of(market, "quarantine")
    assert set(quarantined[str(MON)]) == {"table_version"}
    assert set(quarantined[str(TUE)]) == {"table_version", "dagster/row_count", "rows_written"}


def test_coverage_is_measured_against_the_sessions_before_and_the_first_session_has_none(market):
    numbers = numbers_of(market, "daily_bars")
    bars = {session: numbers[str(session)]["kept"] for session in (FRI, MON, TUE)}
    assert "coverage" not in numbers[str(FRI)]
    assert numbers[str(MON)]["coverage"] == bars[MON] / bars[FRI]
    assert numbers[str(TUE)]["coverage"] == bars[TUE] / ((bars[FRI] + bars[MON]) / 2)


def test_every_check_that_could_stop_the_run_passes(market):
    evaluations = market.result.get_asset_check_evaluations()
    blocking = [(one.asset_key.path[-1], one.check_name) for one in evaluations if one.blocking]
    assert sorted(blocking) == sorted(
        [
            *((table.name, "keeps_its_contract") for table in (*TABLES, POSITION_MARKS, SIGNALS, ALERTS)),
            ("deliveries", "reconciles"),
        ]
    )
    assert all(one.passed for one in evaluations if one.blocking)
