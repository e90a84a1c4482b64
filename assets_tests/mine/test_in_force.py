"""Which declarations are in force: the user's only once they are allowed on this computer."""

import json
import os
import warnings
from pathlib import Path

import pytest

from assets_tests.stocks import BUILT_IN
from pipeline.errors import MineError
from pipeline.market.code_changes import cause
from pipeline.market.computed import code_version, computed_by
from pipeline.mine.folder import allow
from pipeline.mine.in_force import MineSwitchedOff, require_switched_on, stocks_of
from pipeline.mine.templates import text_of
from pipeline.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a home with an indicator and a model of its own."""
    home = tmp_path / "home"
    (home / "mine").mkdir(parents=True)
    for kind in ("indicator", "model"):
        (home / "mine" / f"my_{kind}.py").write_text(text_of(kind, f"my_{kind}"))
    return Settings(home=home)


def test_without_a_folder_all_is_as_shipped(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert stocks_of(Settings(home=tmp_path)).declarations is BUILT_IN


def test_code_that_nobody_allowed_does_not_run_and_a_warning_says_so(settings: Settings) -> None:
    (settings.mine / "bad.py").write_text("raise SystemExit(9)\n")
    with pytest.warns(MineSwitchedOff, match=r"does not run: bad\.py, my_indicator\.py, my_model\.py\..*mine allow"):
        assert stocks_of(settings).declarations is BUILT_IN


def test_once_allowed_columns_and_lists_join_those_that_are_shipped(settings: Settings) -> None:
    allow(settings.mine)
    stocks = stocks_of(settings)
    assert list(stocks.indicators.columns)[-1] == "my_indicator"
    assert stocks.models[-1].name == "my_model"
    assert stocks.lookback == BUILT_IN.lookback
    assert stocks_of(settings) is stocks, "one market for the same files"


def test_a_mistake_stops_everything_and_is_not_dropped(settings: Settings) -> None:
    allow(settings.mine)
    (settings.mine / "bad.py").write_text("nothing\n")
    with pytest.raises(MineError, match=r"bad\.py, line 1: NameError"):
        stocks_of(settings)


def test_a_folder_elsewhere_may_be_named(settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.mine.rename(tmp_path / "elsewhere")
    allow(elsewhere)
    named = Settings(home=settings.home, CANDLELAKE_MINE=elsewhere)
    assert stocks_of(named).models[-1].name == "my_model"


def test_what_was_computed_names_the_file_and_a_comment_outdates_nothing(settings: Settings) -> None:
    allow(settings.mine)
    stocks = stocks_of(settings)
    parts = computed_by(stocks, stocks.candidates)
    assert len(parts["file my_model.py"]) == 64
    assert "file my_indicator.py" not in parts, "it made no list"
    before = json.loads(json.dumps(dict(parts)))
    file = settings.mine / "my_model.py"
    file.write_text(f"# A comment.\n{file.read_text()}")
    again = stocks_of(settings)
    assert computed_by(again, again.candidates)["file my_model.py"] != parts["file my_model.py"]
    assert cause(again, again.candidates, before) is None
    assert code_version(again, again.candidates) == code_version(stocks, stocks.candidates)


def test_a_changed_formula_outdates_what_it_made(settings: Settings) -> None:
    allow(settings.mine)
    stocks = stocks_of(settings)
    before = dict(computed_by(stocks, stocks.indicators))
    file = settings.mine / "my_indicator.py"
    file.write_text(file.read_text().replace("(HIGH - LOW)}", "HIGH}"))
    again = stocks_of(settings)
    assert cause(again, again.indicators, before) == "indicator changed: my_indicator"


def test_a_removed_declaration_outdates_nothing(settings: Settings) -> None:
    allow(settings.mine)
    stocks = stocks_of(settings)
    before = dict(computed_by(stocks, stocks.indicators))
    (settings.mine / "my_indicator.py").unlink()
    again = stocks_of(settings)
    assert cause(again, again.indicators, before) is None


def test_no_run_begins_while_code_is_switched_off_since_it_would_take_its_columns_away(settings: Settings) -> None:
    with pytest.raises(MineError, match=r"has code that nobody has allowed here.*`candlelake mine allow`"):
        require_switched_on(settings)
    allow(settings.mine)
    require_switched_on(settings)


def test_files_that_are_not_allowed_are_not_even_opened(settings: Settings) -> None:
    os.mkfifo(settings.mine / "pipe.py")
    with pytest.warns(MineSwitchedOff):
        assert stocks_of(settings).declarations is BUILT_IN


def test_the_warning_is_given_once_a_process(settings: Settings) -> None:
    with pytest.warns(MineSwitchedOff):
        stocks_of(settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stocks_of(settings)
