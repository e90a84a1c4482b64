from datetime import UTC, date, datetime

import polars as pl
import pytest

from pipeline.contracts.alerts import ALERTS
from pipeline.errors import ContractBroken

SENT = {
    "session": date(2024, 1, 5),
    "channel": "94422a9d97ca3189",
    "kind": "list",
    "part": "message",
    "service": "Telegram",
    "sent_at": datetime(2024, 1, 6, 17, tzinfo=UTC),
    "top": 5,
    "listed": [{"model": "trend", "ticker": "NA"}],
    "selling": [],
    "run_id": "run",
}


def rows(*changed):
    return pl.DataFrame([SENT | one for one in changed], schema=ALERTS.columns)


def test_a_session_may_be_sent_to_several_channels_in_both_kinds_and_parts():
    entries = rows({}, {"channel": "b"}, {"kind": "correction"}, {"part": "page"})
    assert ALERTS.enforce(entries).height == 4


@pytest.mark.parametrize("changed", [{"kind": "joke"}, {"part": "half"}, {"channel": ""}, {"top": 0}])
def test_an_entry_without_sense_is_refused(changed):
    with pytest.raises(ContractBroken):
        ALERTS.enforce(rows(changed))


def test_a_part_is_sent_once():
    with pytest.raises(ContractBroken, match="repeat a key"):
        ALERTS.enforce(rows({}, {"run_id": "again"}))
