"""The page of the indicators knows every column of the table."""

import re
from pathlib import Path

from assets_tests.stocks import LOOKBACK_SESSIONS
from pipeline.market.indicators import INDICATORS

PAGE = (Path(__file__).parents[3] / "docs" / "indicators.md").read_text()


def columns_in(page: str) -> list[str]:
    """Return the columns in the page's table; `_5` after `return_1` is `return_5`."""
    section = page.split("## The columns\n")[1].split("\n###", maxsplit=1)[0]
    found = []
    for row in re.findall(r"^\| (`.*?`) \|", section, flags=re.MULTILINE):
        first, *others = re.findall(r"`(\w+)`", row)
        family = first.rpartition("_")[0]
        found += [first, *(family + name if name.startswith("_") else name for name in others)]
    return found


def test_the_page_lists_every_column_once():
    declared = [column.name for indicator in INDICATORS for column in indicator.columns]
    assert sorted(columns_in(PAGE)) == sorted(declared)


def test_the_page_states_how_far_the_window_reaches():
    assert f"({LOOKBACK_SESSIONS} with the parameters shipped)" in PAGE
