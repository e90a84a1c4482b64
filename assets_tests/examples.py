"""How many examples a property is tried on: a few fixed ones in `make test`, many random ones in `make test-all`."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

QUICK, THOROUGH = "quick", "thorough"
"""Hypothesis profiles: that of `make test`, and that of `make test-all` (`--hypothesis-profile=thorough`)."""

SHARE = 8
"""`make test` tries one example in this many."""

FEWEST = 6
"""No property is tried on fewer examples, unless it sets its own number."""


def register_profiles() -> None:
    """Make the profiles known, and load the quick one. A slow machine is no failure in either."""
    patient = settings(deadline=None, suppress_health_check=list(HealthCheck))
    settings.register_profile(THOROUGH, patient, max_examples=100)
    settings.register_profile(QUICK, patient, max_examples=100 // SHARE, derandomize=True)
    settings.load_profile(QUICK)


def examples(count: int, quick: int | None = None) -> settings:
    """Return the settings of a property: `count` examples in `make test-all`, `quick` or a share in `make test`.

    With `quick` 0, `make test` tries the examples that are written down beside the test, and no others.
    """
    if is_thorough():
        return settings(max_examples=count)
    if quick == 0:
        return settings(phases=[Phase.explicit])
    return settings(max_examples=quick or max(count // SHARE, min(count, FEWEST)))


def is_thorough() -> bool:
    """Return whether properties are tried on many examples."""
    return settings.get_current_profile_name() == THOROUGH


def first_quick(cases: Iterable[Any], quick: int = 1) -> list[Any]:
    """Return the cases of a test: `make test` tries the first `quick`, and `make test-all` the others."""
    listed = list(cases)
    return [*listed[:quick], *map(_thorough, listed[quick:])]


def _thorough(case: Any) -> Any:
    if isinstance(case, type(pytest.param())):
        return pytest.param(*case.values, id=case.id, marks=[*case.marks, pytest.mark.thorough])
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.thorough)
