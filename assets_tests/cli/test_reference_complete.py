"""Reference data counts as fresh only when every table of it was refreshed: a refresh may have ended early."""

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.cli.reference import is_complete
from pipeline.contracts.reference import REFERENCE_TABLES
from pipeline.lake.lake import Lake


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


def refreshed(lake, tables):
    for table in tables:
        lake.refresh(table, table.empty(), run_id="r")
    return Lake(lake.root)


def an_hour_ago():
    return datetime.now(UTC) - timedelta(hours=1)


def test_a_lake_without_reference_data_is_not_complete(lake):
    assert not is_complete(lake, since=an_hour_ago())


@pytest.mark.parametrize("missing", REFERENCE_TABLES, ids=lambda table: table.name)
def test_a_refresh_that_did_not_reach_a_table_is_not_complete(lake, missing):
    lake = refreshed(lake, [table for table in REFERENCE_TABLES if table is not missing])
    assert not is_complete(lake, since=an_hour_ago())


def test_all_tables_refreshed_since_are_complete_and_older_ones_are_not(lake):
    lake = refreshed(lake, REFERENCE_TABLES)
    assert is_complete(lake, since=an_hour_ago())
    assert not is_complete(lake, since=datetime.now(UTC) + timedelta(hours=1))
