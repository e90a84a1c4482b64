"""What is typed is data: no argument is run as SQL, leads to another file, or moves the terminal's cursor."""

from pathlib import Path

import pytest

from assets_tests.cli.conftest import REPLACED, Ask, Home

HOSTILE = [
    "' OR '1'='1", "'; DROP VIEW stocks.daily_bars; --", '" OR ""="', "%", "*", "../../settings.env", "/etc/passwd",
    "\x1b[31mred\x1b[0m", "$(touch hacked)", "`touch hacked`", "{7*7}", "a" * 10_000,
]  # fmt: skip


@pytest.fixture
def untouched(home: Home):
    """Hold what the home keeps of tables against itself."""

    def kept() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted((home.path / "lake").rglob("*")) if path.is_file()}

    before = kept()
    yield
    assert kept() == before
    assert not list(home.path.parent.rglob("hacked"))


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("text", HOSTILE)
def test_no_argument_is_more_than_a_text(ask: Ask, text: str) -> None:
    for arguments in (
        ("explain", text, str(REPLACED)),
        ("explain", "IBM", text),
        ("candidates", "--model", text),
        ("candidates", "--date", text),
        ("evaluate", "--start", text, "--end", str(REPLACED)),
        ("run", "--date", text),
        ("positions", "add", text, "1", "10"),
        ("positions", "add", "IBM", text, "10"),
        ("positions", "import", text),
    ):
        answer = ask(*arguments)
        assert answer.code in {1, 2}, arguments
        assert answer.data == ""
        assert answer.words.startswith("error: ")
        assert "\x1b" not in answer.words
        assert "Traceback" not in answer.words
