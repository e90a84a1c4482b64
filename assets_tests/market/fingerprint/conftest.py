import sys
from pathlib import Path

import pytest

from assets_tests.market.fingerprint.written import Write, writer


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return what writes a module and loads it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return writer(tmp_path, sys.path)
