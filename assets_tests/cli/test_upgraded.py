"""An upgrade that changes formulas: `candlelake restate` brings a lake of the version before up to date."""

import json
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from assets_tests.cli.conftest import SESSIONS, Home
from assets_tests.cli.harming import copied
from assets_tests.edited_package import edited_market, replaced, run_of
from assets_tests.stocks import INDICATORS_TABLE
from pipeline.contracts.candidates import CANDIDATES
from pipeline.lake.lake import Lake

UPGRADE = {
    ("indicators/families.py", 'panel.change(panel.column("close"), n)'): '2 * panel.change(panel.column("close"), n)',
    ("indicators/catalogue.py", "for n in (12, 26)"): "for n in (12, 13, 26)",
    ("indicators/catalogue.py", "    sequential_setup(),\n"): "",
    ("portfolio/sell/rules.py", "    TD_SELL_SETUP,\n"): "",
    ("portfolio/sell/rules.py", "TD_SELL_SETUP = Rule("): "dict(",
    ("screen/models.py", "(LAST_WEEK, -0.15)"): "(LAST_WEEK, -0.25)",
}
"""A formula that changes, an indicator that is new, one that goes with its rule, a model with other weights."""


@pytest.mark.thorough
def test_a_lake_is_brought_up_to_date_after_an_upgrade(home: Home, tmp_path: Path) -> None:
    own = copied(home.path, tmp_path / "home")
    package = edited_market(tmp_path / "upgraded", replaced(UPGRADE))
    before = Lake(own / "lake").scan(INDICATORS_TABLE).sort("ticker", "session").collect()
    lists = Lake(own / "lake").scan(CANDIDATES).collect()

    def output_of(*arguments: str) -> str:
        return run_of(package, "-m", "pipeline.cli", *arguments, CANDLELAKE_HOME=str(own), DAGSTER_HOME="")

    causes = {row["table"]: row["cause"] for row in json.loads(output_of("restate", "--json")) if row["ticker"] is None}
    returns = "return_1, return_5, return_20, return_60, return_252"
    assert causes == {
        "stocks.indicators": f"indicators changed: {returns}; new indicator: ema_13",
        "stocks.candidates": "model changed: pullback",
    }
    output_of("restate")
    assert json.loads(output_of("restate", "--json")) == []

    sql = "SELECT * FROM stocks.indicators ORDER BY ticker, session"
    after = pl.DataFrame(json.loads(output_of("sql", sql, "--format", "json")), infer_schema_length=None)
    assert len(after) == len(before)
    assert after["ema_13"].drop_nulls().len() > len(SESSIONS)
    assert after["td_setup"].null_count() == len(after)
    known = [row for row in zip(after["return_5"], before["return_5"], strict=True) if None not in row]
    assert [doubled for doubled, _ in known] == pytest.approx([2 * single for _, single in known], abs=1e-8)
    assert_frame_equal(after.select("rsi_14", "sma_20"), before.select("rsi_14", "sma_20"))
    first = str(lists["session"].min())
    assert json.loads(output_of("candidates", "--date", first, "--json", "--as-published"))
