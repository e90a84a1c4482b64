"""Some of the corpus by the real path: a file in the vendor's folder, the daily job, and the lake afterwards."""

from types import SimpleNamespace

import polars as pl
import pytest

from assets_tests.corpus.cases import ACCEPTED, CASES, REFUSED, SESSION, Case
from assets_tests.corpus.reading import read_day
from assets_tests.dagster_runs import TO_BARS, failure_of, instance, rows, run
from assets_tests.vendor_day import VendorFolder
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.contracts.table import Table
from pipeline.errors import TableMissing
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.settings import Settings

pytestmark = pytest.mark.thorough

BAR = ["ticker", "open", "high", "low", "close", "volume", "transactions"]
COUNTS = ("rows_read", "kept", "duplicates", "quarantined")

CHOSEN = [
    "empty_object",
    "ticker_10000_characters",
    "every_rule_broken",
    "ticker_unicode",
    "gzip_bomb",
    "ticker_sql",
    "bom_in_the_middle",
    "gzip_trailing_garbage",
    "one_bad_row",
    "gzip_several_members",
]
"""One after another, each replaces the file of the same session."""


@pytest.fixture(scope="module")
def journeys(tmp_path_factory: pytest.TempPathFactory):
    """The lake after each delivery, by case."""
    vendor = VendorFolder(tmp_path_factory.mktemp("corpus"))
    settings = vendor.settings(max_bad_share=1.0)
    seen = {}
    with instance() as dagster:
        for case in (case for name in CHOSEN for case in CASES if case.name == name):
            vendor.lay_bytes(SESSION, case.delivered())
            result = run(settings, [SESSION], instance=dagster, only=TO_BARS, raises=False)
            seen[case.name] = SimpleNamespace(
                succeeded=result.success,
                failure=failure_of(result),
                raw=RawFiles(settings.lake).versions("us_stocks_sip/day_aggs_v1", SESSION),
                **{table.name: stored_rows(settings, table) for table in (DAILY_BARS, QUARANTINE, DELIVERIES)},
            )
    return seen


def stored_rows(settings: Settings, table: Table) -> pl.DataFrame:
    """Return all rows of a table; none when it is missing."""
    try:
        return rows(settings, table)
    except TableMissing:
        return table.empty()


def chosen(cases: list[Case]) -> pytest.MarkDecorator:
    among = [case for case in cases if case.name in CHOSEN]
    return pytest.mark.parametrize("case", among, ids=lambda case: case.name)


@pytest.mark.thorough
@chosen([case for case in ACCEPTED if case.kept])
def test_the_lake_holds_what_the_table_says_of_the_file(journeys: dict[str, SimpleNamespace], case: Case):
    after = journeys[case.name]
    assert after.succeeded
    assert after.daily_bars.select(BAR).rows() == read_day(case.content(), SESSION).bars
    assert dict(after.quarantine.select("row_number", "reasons").iter_rows()) == case.quarantined
    current = after.deliveries.filter("is_current").select(COUNTS).row(0)
    assert current == (case.rows, len(case.kept), len(case.duplicates), len(case.quarantined))


@chosen(REFUSED)
def test_the_run_of_a_refused_file_fails_with_its_words_and_leaves_the_lake_as_it_was(
    journeys: dict[str, SimpleNamespace], case: Case
):
    after = journeys[case.name]
    assert not after.succeeded
    assert case.refused is not None
    assert f"{case.key} {case.refused[1]}" in after.failure
    assert is_unchanged(journeys, case)


@chosen([case for case in ACCEPTED if not case.kept])
def test_a_file_without_a_good_row_erases_nothing(journeys: dict[str, SimpleNamespace], case: Case):
    after = journeys[case.name]
    assert not after.succeeded
    assert "ContractBroken" in after.failure
    assert f"stocks.daily_bars may not be empty, but 1 of 1 sessions brought no row (first {SESSION})" in after.failure
    assert is_unchanged(journeys, case)


def is_unchanged(journeys: dict[str, SimpleNamespace], case: Case) -> bool:
    """Return whether the tables are as they were before the case was delivered."""
    earlier = [journeys[name] for name in CHOSEN[: CHOSEN.index(case.name)]]
    return all(
        getattr(journeys[case.name], table.name).equals(getattr(earlier[-1], table.name) if earlier else table.empty())
        for table in (DAILY_BARS, QUARANTINE, DELIVERIES)
    )


@pytest.mark.parametrize("name", CHOSEN)
def test_the_tables_keep_their_contracts_whatever_came(journeys: dict[str, SimpleNamespace], name: str):
    for table in (DAILY_BARS, QUARANTINE, DELIVERIES):
        table.enforce(getattr(journeys[name], table.name))


def test_every_delivery_is_kept_byte_for_byte_and_reported(journeys: dict[str, SimpleNamespace]):
    last = journeys[CHOSEN[-1]]
    assert len(last.raw) == len(CHOSEN)
    sizes = {len(case.delivered()) for case in CASES if case.name in CHOSEN}
    assert {receipt.size for receipt in last.raw} == sizes
    assert set(last.deliveries["size"]) == sizes
    assert last.deliveries.filter(pl.col("size") == 0)["is_current"].to_list() == [False]
