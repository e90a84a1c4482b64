"""What computes each table: which change of the package changes which part of which table."""

import ast
import json
from pathlib import Path

import pytest

from assets_tests.edited_package import edited_market, fingerprints_of, replaced
from assets_tests.examples import first_quick
from assets_tests.fingerprints_snapshot import SNAPSHOT, changes, fingerprints
from assets_tests.stocks import COMPUTED, EVERY_TABLE, INDICATORS_TABLE, code_version, computed_by
from pipeline.market.computed import SHARED
from pipeline.market.portfolio.sell.rules import RULES
from pipeline.market.screen.models import MODELS


def test_the_fingerprints_are_those_of_the_snapshot():
    """Renew it by `python -m assets_tests.fingerprints_snapshot`, and decide for each change that it names.

    Where the numbers are others, that is all: `candlelake restate` will offer the sessions. Where the code computes the
    same as before, which its other tests show, put the lines that the module prints into `SAME` of
    pipeline/market/earlier_code.py, and nothing has to be computed again.
    """
    assert changes(json.loads(SNAPSHOT.read_text()), fingerprints()) == {}
    assert json.loads(SNAPSHOT.read_text()) == fingerprints()


def test_every_column_model_and_rule_has_a_fingerprint_and_so_has_what_they_share():
    columns = [name for name in INDICATORS_TABLE.columns if name not in INDICATORS_TABLE.key]
    assert list(fingerprints()["stocks.indicators"]) == [SHARED, *columns]
    assert list(fingerprints()["stocks.candidates"]) == [SHARED, *(model.name for model in MODELS)]
    assert list(fingerprints()["portfolio.signals"]) == [SHARED, *(rule.name for rule in RULES)]


def test_no_two_parts_of_a_table_are_alike():
    for table, parts in fingerprints().items():
        assert len(set(parts.values())) == len(parts), table


def test_a_table_that_is_taken_in_has_no_fingerprint():
    for table in EVERY_TABLE:
        assert (code_version(table) is None) == (table not in COMPUTED)
        assert bool(computed_by(table)) == (table in COMPUTED)


@pytest.mark.thorough
def test_nothing_changes_when_all_code_is_laid_out_otherwise_and_without_comments(tmp_path: Path):
    package = edited_market(tmp_path, lambda _, text: "# Other first lines.\n\n\n" + ast.unparse(ast.parse(text)))
    assert fingerprints_of(package) == fingerprints()


def changed(package: Path) -> dict[str, set[str]]:
    """Return the parts of each table that are others than those of this package, or are in one of the two only."""
    now, other = fingerprints(), fingerprints_of(package)
    assert now.keys() == other.keys()
    return {table: parts for table in now if (parts := {part for part, _ in now[table].items() ^ other[table].items()})}


CASES = {
    "a kernel": (
        {("indicators/kernels/averages.py", "out[place] = 0.0 if moved"): "out[place] = 50.0 if moved"},
        {"stocks.indicators": {"rsi_14"}},
    ),
    "a parameter, a new indicator and one that went": (
        {
            ("indicators/catalogue.py", "bollinger_bands(20, width=2)"): "bollinger_bands(20, width=2.5)",
            ("indicators/catalogue.py", "for n in (12, 26)"): "for n in (12, 26, 30)",
            ("indicators/catalogue.py", "    swings(k=5, n=252),\n"): "",
        },
        {
            "stocks.indicators": {
                *("bollinger_upper", "bollinger_middle", "bollinger_lower"),
                *("ema_30", "support", "resistance"),
                "bars",  # the window grows with the longest look-back
            }
        },
    ),
    "how bars are adjusted": (
        {("prices/adjust.py", 'filter(pl.col("day") <= as_of)'): 'filter(pl.col("day") < as_of)'},
        {"stocks.indicators": {SHARED}, "stocks.candidate_outcomes": {SHARED}, "stocks.session_scores": {SHARED}},
    ),
    "a tolerance": (
        {("prices/tolerance.py", "SAME = 1e-8"): "SAME = 1e-9"},
        {
            "stocks.indicators": {"td_setup", "td_perfected", "support", "resistance"},
            "stocks.candidates": {SHARED, "trend", "pullback"},
            "stocks.candidate_outcomes": {SHARED, "trend", "pullback"},
            "stocks.session_scores": {SHARED, "trend", "pullback"},
            "portfolio.signals": {rule.name for rule in RULES} - {"td_sell_setup", "stop_hit", "target_hit"},
        },
    ),
    "a model, a factor's words, and a rule": (
        {
            ("screen/models.py", "(RSI, -0.35)"): "(RSI, -0.40)",
            ("screen/factors.py", "in eleven months, the last month left out, stronger"): "in eleven months, stronger",
            ("portfolio/sell/rules.py", "PATIENCE = 20"): "PATIENCE = 25",
        },
        {
            "stocks.candidates": {"pullback"},
            "stocks.candidate_outcomes": {"pullback"},
            "stocks.session_scores": {"pullback"},
            "portfolio.signals": {"time_stop"},
        },
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("edits", "expected"), first_quick(pytest.param(*case, id=what) for what, case in CASES.items())
)
def test_a_change_is_one_of_exactly_what_it_computes(tmp_path: Path, edits, expected):
    package = edited_market(tmp_path, replaced(edits))
    assert changed(package) == expected
