from datetime import UTC, date, datetime

import polars as pl
import pytest

from pipeline.contracts.portfolio import POSITION_MARKS, POSITIONS, SIGNALS
from pipeline.errors import ContractBroken

TUE, WED = date(2024, 1, 2), date(2024, 1, 3)

HELD = {
    "position": 1,
    "revision": 1,
    "event": "opened",
    "ticker": "AAPL",
    "quantity": 0.5,
    "price": 100.0,
    "commission": 0.0,
    "opened": TUE,
    "stop": 90.0,
    "target": 120.0,
    "terms_from": TUE,
    "note": None,
    "closed": None,
    "closing_price": None,
    "closing_commission": None,
    "split_off_from": None,
    "recorded_at": datetime(2024, 1, 2, 21, tzinfo=UTC),
}
SOLD = {"event": "closed", "closed": WED, "closing_price": 0.0, "closing_commission": 0.0}

MARK = {
    "position": 1,
    "session": WED,
    "ticker": "AAPL",
    "quantity": 0.5,
    "entry": 100.0,
    "close": 110.0,
    "priced_on": WED,
    "no_bar": False,
    "bought_as": None,
    "delisted_on": None,
    "cost": 50.0,
    "value": 55.0,
    "unrealised": 5.0,
    "realised": 0.0,
    "dividends": 1.0,
    "profit": 6.0,
    "stop": None,
    "target": None,
    "to_stop": None,
    "to_target": None,
    "peak": 110.0,
    "drawdown": 0.0,
    "sessions_held": 1,
    "is_closed": False,
}

SIGNAL = {
    "position": 1,
    "session": WED,
    "rule": "stop_hit",
    "rule_version": 1,
    "ticker": "AAPL",
    "severity": "high",
    "is_new": True,
    "value": 89.0,
    "threshold": 90.0,
    "reasons": ["Fell to 89.00; the stop is 90.00"],
}


def kept(table, row, *changes):
    rows = pl.DataFrame([row | change for change in changes], schema=table.columns, orient="row")
    return table.enforce(rows).to_dicts()


@pytest.mark.parametrize(
    "change",
    [
        {},
        SOLD,
        {"event": "removed"},
        SOLD | {"event": "removed"},
        {"stop": None},
        {"terms_from": WED},
        {"closed": None},
    ],
)
def test_a_sound_position_is_accepted(change):
    assert kept(POSITIONS, HELD, change) == [dict.fromkeys(POSITIONS.columns) | HELD | change]


@pytest.mark.parametrize(
    "change",
    [
        {"event": "bought"},
        {"event": "closed"},
        {"quantity": 0.0},
        {"quantity": -1.0},
        {"quantity": float("nan")},
        {"price": 0.0},
        {"price": float("inf")},
        {"commission": -1.0},
        {"stop": 120.0},
        {"stop": 0.0},
        {"ticker": ""},
        {"terms_from": date(2024, 1, 1)},
        SOLD | {"closing_price": None},
        SOLD | {"closing_commission": None},
        SOLD | {"closed": date(2024, 1, 1)},
        SOLD | {"closing_price": -0.01},
        {"closing_price": 5.0},
        {"recorded_at": None},
    ],
)
def test_an_unsound_position_is_kept_out(change):
    with pytest.raises(ContractBroken):
        kept(POSITIONS, HELD, {"position": 2}, change)


def test_a_revision_of_a_position_is_there_once():
    with pytest.raises(ContractBroken, match="repeat a key"):
        kept(POSITIONS, HELD, {}, {"note": "again"})
    assert len(kept(POSITIONS, HELD, {}, {"revision": 2, "event": "changed"})) == 2


def test_a_sound_mark_is_accepted():
    assert kept(POSITION_MARKS, MARK, {}) == [dict.fromkeys(POSITION_MARKS.columns) | MARK]
    lowered = {"stop_before_dividends": 90.0, "stop_dividends": 1, "stop_lowered_by": 2.0, "stop_lowered_on": WED}
    assert len(kept(POSITION_MARKS, MARK, {"stop": 88.0} | lowered)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"profit": 5.0},
        {"drawdown": 0.1},
        {"drawdown": float("nan")},
        {"quantity": -1.0},
        {"close": 0.0},
        {"close": float("inf")},
        {"unrealised": float("nan"), "profit": float("nan")},
        {"no_bar": None},
        {"sessions_held": -1},
        {"dividends": -1.0},
    ],
)
def test_an_unsound_mark_is_kept_out(change):
    with pytest.raises(ContractBroken):
        kept(POSITION_MARKS, MARK, {"position": 2}, change)


def test_a_sound_signal_is_accepted_and_one_without_a_reason_is_not():
    assert kept(SIGNALS, SIGNAL, {}) == [SIGNAL]
    for change in ({"reasons": []}, {"severity": "urgent"}, {"value": float("nan")}, {"threshold": None}, {"rule": ""}):
        with pytest.raises(ContractBroken):
            kept(SIGNALS, SIGNAL, {"position": 2}, change)


@pytest.mark.parametrize("table", [POSITIONS, POSITION_MARKS, SIGNALS], ids=lambda table: table.name)
def test_every_column_is_described(table):
    assert all(table.descriptions.values())
