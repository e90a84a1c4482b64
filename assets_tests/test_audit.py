"""The verdict over pip-audit's report: red for what is known to be vulnerable, and never for the lack of a network."""

import json
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

import pipeline

SCRIPT = Path(pipeline.__file__).parents[1] / ".ci" / "audit"


@pytest.fixture(scope="module")
def audit():
    loader = SourceFileLoader("audit", str(SCRIPT))
    loader_spec = spec_from_loader("audit", loader)
    module = module_from_spec(loader_spec)
    loader.exec_module(module)
    return module


def report(*packages: dict) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


GOOD = {"name": "polars", "version": "2.1.0", "vulns": []}
UNKNOWN = {"name": "wsproto", "skip_reason": "Dependency not found on PyPI and could not be audited: wsproto (1.3.2)"}
BAD = {
    "name": "jinja2",
    "version": "3.1.2",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.3"], "aliases": ["CVE-2024-1"], "description": "…"}],
}


def test_nothing_known_passes_and_says_how_many_were_looked_up(audit):
    assert audit.verdict(report(GOOD), []) == ("audit passed: 1 packages without a known vulnerability.", 0)


def test_a_known_vulnerability_fails_with_its_name_and_the_version_that_mends_it(audit):
    words, code = audit.verdict(report(GOOD, BAD, UNKNOWN), [])
    assert (code, "jinja2 3.1.2: PYSEC-1, mended in 3.1.3" in words) == (1, True)


@pytest.mark.parametrize("accepted", ["PYSEC-1", "CVE-2024-1"])
def test_an_accepted_one_passes_by_its_id_or_alias(audit, accepted):
    assert audit.verdict(report(BAD), [accepted])[1] == 0


@pytest.mark.parametrize("answer", ["", "Traceback (most recent call last):", "[]", "{}"])
def test_without_a_service_the_audit_is_skipped_with_a_word(audit, answer):
    words, code = audit.verdict(answer, [])
    assert (code, words.startswith("audit skipped")) == (0, True)


def test_a_service_that_knows_no_package_at_all_is_not_taken_for_a_clean_bill(audit):
    words, code = audit.verdict(report(UNKNOWN, UNKNOWN), [])
    assert (code, words.startswith("audit skipped")) == (0, True)


def test_packages_that_the_service_does_not_know_are_named(audit):
    assert "1 unknown to the service: wsproto" in audit.verdict(report(GOOD, UNKNOWN), [])[0]
