"""Modules that have moved still work under the names that documents showed, and say where they are now."""

import subprocess
import sys
from importlib import import_module

import pytest

from pipeline.moved import MOVED, NAMED_IN_HOMES
from pipeline.orchestration.instance_file import EARLIER_MODULES


@pytest.mark.parametrize("old", MOVED)
def test_an_old_name_gives_what_the_new_one_holds_and_a_warning_that_names_it(old: str) -> None:
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=f"{old} has moved: import {MOVED[old]} instead"):
        module = import_module(old)
    now = import_module(MOVED[old])
    public = [name for name in vars(now) if not name.startswith("__")]
    assert public or hasattr(now, "__path__")
    assert [name for name in public if getattr(module, name) is not getattr(now, name)] == []


@pytest.mark.parametrize("old", NAMED_IN_HOMES)
def test_what_an_old_home_names_is_found_without_a_warning(old: str) -> None:
    sys.modules.pop(old, None)
    assert import_module(old).HomeStorage is import_module(NAMED_IN_HOMES[old]).HomeStorage


def test_every_module_that_a_home_may_name_is_found_for_good() -> None:
    assert set(EARLIER_MODULES) == NAMED_IN_HOMES.keys()


def test_a_line_of_an_old_document_runs() -> None:
    line = "from pipeline.market.sell.rule import Rule; import pipeline.market.adjust; print(Rule.__name__)"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "Rule\n"


def test_a_name_that_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match="nothing_of_the_sort"):
        import_module("pipeline.market.nothing_of_the_sort")
