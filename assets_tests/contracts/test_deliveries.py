from datetime import UTC, date, datetime

import polars as pl
import pytest

from pipeline.contracts.deliveries import DELIVERIES
from pipeline.errors import ContractBroken

DELIVERY = {
    "session": date(2024, 1, 5),
    "key": "us_stocks_sip/day_aggs_v1/2024/01/2024-01-05.csv.gz",
    "etag": "abc",
    "is_current": True,
    "size": 261_563,
    "last_modified": datetime(2024, 1, 8, 15, 58, 1, 123000, tzinfo=UTC),
    "sha256": "0" * 64,
    "rows_read": 10_525,
    "kept": 10_490,
    "duplicates": 21,
    "quarantined": 14,
    "run_id": "5d4b8a3e",
    "provisional": False,
}
COUNTS = ["rows_read", "kept", "duplicates", "quarantined"]
NEVER_WORKED = dict.fromkeys(COUNTS) | {"is_current": False}


def deliveries(*changes: dict) -> pl.DataFrame:
    return pl.DataFrame([DELIVERY | change for change in changes], schema=DELIVERIES.columns, orient="row")


def test_a_delivery_whose_rows_add_up_is_accepted():
    assert DELIVERIES.enforce(deliveries({})).to_dicts() == [DELIVERY]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("step", [-1, 1])
def test_a_delivery_whose_rows_do_not_add_up_is_kept_out(count, step):
    with pytest.raises(ContractBroken, match="rows_read_equals_kept_duplicates_quarantined"):
        DELIVERIES.enforce(deliveries({count: DELIVERY[count] + step}))


@pytest.mark.parametrize(
    "change",
    [
        {"size": -1},
        {"sha256": "0" * 63},
        {"kept": -1, "rows_read": 34},
        {"etag": None},
        {"is_current": None},
        {"last_modified": None},
    ],
)
def test_an_incomplete_delivery_is_kept_out(change):
    with pytest.raises(ContractBroken):
        DELIVERIES.enforce(deliveries(change))


def test_a_version_that_never_reached_the_tables_has_no_counts():
    assert len(DELIVERIES.enforce(deliveries({}, {"etag": "def"} | NEVER_WORKED))) == 2


@pytest.mark.parametrize("count", COUNTS)
def test_counts_are_there_together_or_not_at_all(count):
    with pytest.raises(ContractBroken, match="worked_whole_or_not_at_all"):
        DELIVERIES.enforce(deliveries(NEVER_WORKED | {count: DELIVERY[count]}))
    with pytest.raises(ContractBroken, match="worked_whole_or_not_at_all"):
        DELIVERIES.enforce(deliveries({count: None}))


def test_a_version_that_never_reached_the_tables_is_not_the_one_in_force():
    with pytest.raises(ContractBroken, match="worked_whole_or_not_at_all"):
        DELIVERIES.enforce(deliveries(NEVER_WORKED | {"is_current": True}))


def test_rows_from_before_there_were_editions_say_nothing_of_them():
    assert len(DELIVERIES.enforce(deliveries({"provisional": None}))) == 1


def test_each_version_of_a_file_has_its_own_row():
    replaced = deliveries({"is_current": False}, {"etag": "def"})
    assert len(DELIVERIES.enforce(replaced)) == 2
    with pytest.raises(ContractBroken, match="repeat a key"):
        DELIVERIES.enforce(deliveries({}, {}))
