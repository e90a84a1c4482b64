"""The sessions that other code computed, by the fingerprints in their commits."""

import json

import pytest

from assets_tests.stocks import COMPUTED, INDICATORS_TABLE, STOCKS, computed_by
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.contracts.portfolio import SIGNALS
from pipeline.market import code_changes
from pipeline.market.code_changes import cause, is_same
from pipeline.market.computed import SHARED
from pipeline.market.earlier_code import SAME

OTHER = "0" * 12

SINCE = {
    "stocks.price_doubts": "how prices are held against splits and dividends changed",
    "stocks.candidates": "how every model ranks changed",
    "portfolio.position_marks": "how positions are valued changed",
    "portfolio.signals": "how every rule is applied changed; rules changed: stop_hit, target_hit, trailing_stop",
    "stocks.candidate_outcomes": "how outcomes are measured changed",
    "stocks.session_scores": "how lists are scored changed",
}
"""What computes other numbers than before commits carried fingerprints: tickers in doubt are not ranked, a regular
dividend told twice is paid once, stops are exact decimals, and dividends lower them and the peak."""


def was(table, **other):
    return {part: other.get(part, fingerprint) for part, fingerprint in computed_by(table).items()}


@pytest.mark.parametrize("table", COMPUTED, ids=lambda table: table.sql_name)
def test_what_was_computed_by_the_code_of_today_holds(table):
    assert cause(STOCKS, table, was(table)) is None


@pytest.mark.parametrize("table", COMPUTED, ids=lambda table: table.sql_name)
def test_what_was_computed_before_commits_carried_fingerprints_holds(table):
    """The formulas of today are those of the version before; a change to one belongs into this test, by its name."""
    causes = (cause(STOCKS, table, None) or "").split("; ")
    changed = "; ".join(text for text in causes if text and not text.startswith("new "))
    assert changed == SINCE.get(table.sql_name, "")


def test_the_declarations_that_changed_are_named():
    assert cause(STOCKS, INDICATORS_TABLE, was(INDICATORS_TABLE, rsi_14=OTHER)) == "indicator changed: rsi_14"
    two = was(INDICATORS_TABLE, rsi_14=OTHER, ema_12=OTHER)
    assert cause(STOCKS, INDICATORS_TABLE, two) == "indicators changed: ema_12, rsi_14"
    assert cause(STOCKS, CANDIDATES, was(CANDIDATES, pullback=OTHER)) == "model changed: pullback"
    assert cause(STOCKS, SIGNALS, was(SIGNALS, time_stop=OTHER)) == "rule changed: time_stop"


def test_what_is_shared_is_named_in_words():
    assert (
        cause(STOCKS, INDICATORS_TABLE, {**was(INDICATORS_TABLE), SHARED: OTHER})
        == "how every indicator is computed changed"
    )
    assert cause(STOCKS, INTRADAY_FEATURES, {SHARED: OTHER}) == "how minutes are summed up changed"


def test_the_first_of_many_declarations_are_named():
    text = cause(STOCKS, INDICATORS_TABLE, {SHARED: computed_by(INDICATORS_TABLE)[SHARED]})
    names = [name for name in computed_by(INDICATORS_TABLE) if name != SHARED]
    assert text == f"new indicators: {', '.join(names[:5])} and {len(names) - 5} more"


def test_a_new_declaration_is_named_and_one_that_went_is_not():
    known = was(CANDIDATES)
    del known["trend"]
    known["riser"] = OTHER
    assert cause(STOCKS, CANDIDATES, known) == "new model: trend"
    known["pullback"] = OTHER
    assert cause(STOCKS, CANDIDATES, known) == "model changed: pullback; new model: trend"


def test_code_that_was_written_otherwise_and_computes_the_same_is_no_change(monkeypatch):
    now = computed_by(CANDIDATES)["trend"]
    monkeypatch.setattr(code_changes, "SAME", {OTHER: "1" * 12, "1" * 12: now})
    assert cause(STOCKS, CANDIDATES, was(CANDIDATES, trend=OTHER)) is None
    assert cause(STOCKS, CANDIDATES, was(CANDIDATES, trend="2" * 12)) == "model changed: trend"


def test_no_fingerprint_leads_back_to_itself():
    for fingerprint in SAME:
        assert is_same(fingerprint, SAME[fingerprint])


def test_what_a_commit_carries_can_be_read_back():
    assert json.loads(json.dumps(computed_by(SIGNALS))) == computed_by(SIGNALS)
