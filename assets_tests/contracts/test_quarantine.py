from datetime import date

import polars as pl
import pytest

from pipeline.contracts.quarantine import QUARANTINE, REASONS
from pipeline.errors import ContractBroken

ROW = {
    "session": date(2024, 1, 5),
    "key": "us_stocks_sip/day_aggs_v1/2024/01/2024-01-05.csv.gz",
    "etag": "abc",
    "row_number": 1,
    "reasons": ["missing_ticker", "non_positive_price"],
    "ticker": "",
    "volume": "0",
    "open": " 0.00",
    "close": "x",
    "high": "NaN",
    "low": None,
    "window_start": None,
    "transactions": None,
}


def rows(*changes: dict) -> pl.DataFrame:
    return pl.DataFrame([ROW | change for change in changes], schema=QUARANTINE.columns, orient="row")


def test_a_row_is_held_as_delivered_and_cells_that_a_line_lacked_are_null():
    assert QUARANTINE.enforce(rows({})).to_dicts() == [ROW]


def test_the_same_row_number_may_come_in_another_version_of_the_file():
    assert len(QUARANTINE.enforce(rows({}, {"etag": "def"}, {"row_number": 2}))) == 3


def test_a_row_of_a_delivery_is_quarantined_once():
    with pytest.raises(ContractBroken, match="repeat a key"):
        QUARANTINE.enforce(rows({}, {"ticker": "A"}))


@pytest.mark.parametrize(
    "change",
    [
        {"row_number": 0},
        {"row_number": None},
        {"session": None},
        {"key": None},
        {"etag": None},
        {"reasons": None},
        {"reasons": []},
        {"reasons": ["because"]},
        {"reasons": ["missing_ticker", "because"]},
    ],
)
def test_a_row_without_place_or_known_reason_is_kept_out(change):
    with pytest.raises(ContractBroken):
        QUARANTINE.enforce(rows(change))


def test_a_session_may_rightly_have_no_quarantined_row():
    assert QUARANTINE.may_be_empty


def test_every_reason_the_project_promises_exists_with_its_meaning():
    promised = {
        "missing_ticker", "not_a_number", "non_positive_price", "high_below_low", "open_or_close_outside_range",
        "negative_volume", "negative_transactions", "wrong_session", "conflicting_duplicate",
    }  # fmt: skip
    assert promised <= set(REASONS)
    assert all(meaning.endswith(".") for meaning in REASONS.values())
