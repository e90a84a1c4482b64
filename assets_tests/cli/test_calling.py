"""How the command line is called: help, version, options, unforeseen errors."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake.exceptions import DeltaError

import pipeline.cli
from assets_tests.cli.conftest import Ask
from assets_tests.commands import environment
from pipeline.cli import terminal
from pipeline.errors import AccessDenied, SettingsError, without_terminal_codes
from pipeline.settings import Settings

COMMANDS = (
    *("demo", "run", "backfill", "reference", "restate", "candidates", "explain", "positions", "alerts", "evaluate"),
    *("sql", "status", "verify", "doctor", "ui"),
)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def ask(ask_in, tmp_path: Path) -> Ask:
    """Return the way to ask an empty home."""
    return ask_in(tmp_path / "home")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_on_stdout(ask: Ask, command: str) -> None:
    answer = ask(command, "--help")
    assert (answer.code, answer.words) == (0, "")
    assert f"candlelake {command}" in answer.data
    # No flag has an opposite twin.
    assert not re.search(r"--no-(?!browser)", answer.data)


def test_help_waits_for_no_heavy_library() -> None:
    code = (
        "import sys, pipeline.cli\n"
        f"codes = [pipeline.cli.run_command(words) for words in [['--help'], *([c, '--help'] for c in {COMMANDS})]]\n"
        "heavy = {'dagster', 'polars', 'deltalake', 'duckdb', 'pandera', 'numba', 'boto3'} & set(sys.modules)\n"
        "print(codes, heavy, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stderr.strip() == f"{[0] * (1 + len(COMMANDS))} set()"


def test_the_version_is_data(ask: Ask) -> None:
    answer = ask("--version")
    assert (answer.code, answer.words) == (0, "")
    assert re.fullmatch(r"candlelake \d+\.\d+\.\d+\S*\n", answer.data)


@pytest.mark.parametrize("wrong", [["bogus"], ["sql"], ["run", "--dat", "2024-01-05"], ["candidates", "--top", "0"]])
def test_a_wrong_call_is_one_line_that_names_the_help(ask: Ask, wrong: list[str]) -> None:
    answer = ask(*wrong)
    assert (answer.code, answer.data) == (2, "")
    assert answer.words.startswith("error: ")
    assert "--help" in answer.words
    assert len(answer.words.splitlines()) == 1


def fails_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("pipeline.settings.load_settings", fail)


def test_an_unforeseen_error_is_one_line_without_a_traceback(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(monkeypatch, ValueError("[red]odd[/red]\nand more"))
    answer = ask("status")
    assert (answer.code, answer.data) == (1, "")
    assert answer.words.startswith("error: ValueError: [red]odd[/red] ")
    assert "--debug" in answer.words
    assert len(answer.words.splitlines()) == 1


CODES = [
    "\x1b[31m", "\x1b[0m", "\x1b[2J", "\x1b[?25l", "\x9b1m", "\x1b]0;title\x07", "\x1b]8;;http://x.example\x1b\\",
    "\x1bc", "\x1bPq\x1b\\", "\x1b(B", "\x1b7",
]  # fmt: skip


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    "kind", [DeltaError, ValueError, OSError, lambda message: SettingsError(message, remedy="See it.")]
)
def test_a_coloured_message_of_a_library_is_shown_without_terminal_codes(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, code: str, kind: Callable[[str], BaseException]
) -> None:
    fails_with(monkeypatch, kind(f"Kernel error: {code}↳{code} no such file"))
    words = ask("status").words
    assert "Kernel error: ↳ no such file" in words
    assert all(sign.isprintable() for sign in words.removesuffix("\n"))


def test_an_unfinished_terminal_code_swallows_nothing_of_the_message() -> None:
    assert without_terminal_codes("\x1b]0;disk is full") == "0;disk is full"
    assert without_terminal_codes("disk is full\x1b") == "disk is full"


def test_debug_adds_the_traceback(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(monkeypatch, ValueError("odd"))
    answer = ask("--debug", "status")
    assert answer.code == 1
    assert answer.words.startswith("Traceback")
    assert answer.words.splitlines()[-1].startswith("error: ValueError: odd")


def test_our_own_error_shows_through_what_it_came_wrapped_in(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped = RuntimeError("a framework's words")
    wrapped.__cause__ = AccessDenied("The vendor refuses.", remedy="Look at your plan.")
    fails_with(monkeypatch, wrapped)
    assert ask("status").words == "error: The vendor refuses. Look at your plan.\n"


@pytest.mark.parametrize(
    "command",
    [
        ("sql", "SELECT 1"),
        ("status",),
        ("candidates",),
        ("explain", "IBM", "2004-09-15"),
        ("positions",),
        ("positions", "list"),
    ],
)
def test_ctrl_c_in_a_command_that_only_reads_is_one_line_that_says_nothing_of_writing(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    fails_with(monkeypatch, KeyboardInterrupt())
    answer = ask(*command)
    assert (answer.code, answer.data, answer.words) == (130, "", "error: Interrupted.\n")


def test_ctrl_c_in_a_command_that_writes_is_one_line_that_says_what_became_of_it(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_with(monkeypatch, KeyboardInterrupt())
    answer = ask("restate")
    assert (answer.code, answer.data) == (130, "")
    assert answer.words.splitlines() == [
        "error: Interrupted. What was written so far is whole; run the command again to go on."
    ]


def test_home_is_the_folder_of_a_command(ask: Ask, tmp_path: Path) -> None:
    answer = ask("--home", str(tmp_path / "elsewhere"), "status")
    assert answer.words.startswith(str(tmp_path / "elsewhere"))


def test_what_a_person_types_again_is_what_was_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / ".venv" / "bin" / "candlelake"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", "/usr/bin")
    assert terminal.typed_program() == ".venv/bin/candlelake"
    monkeypatch.setenv("PATH", str(program.parent))
    assert terminal.typed_program() == "candlelake"
    monkeypatch.setattr(sys, "argv", [str(Path(pipeline.cli.__file__).with_name("__main__.py"))])
    assert terminal.typed_program().endswith(" -m pipeline.cli")


def test_the_documents_name_every_setting_with_its_default() -> None:
    document = (ROOT / "docs" / "commands.md").read_text()
    table = dict(re.findall(r"^\| `CANDLELAKE_(\w+)` \| (.*) \|$", document, re.MULTILINE))
    declared = {}
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if field.default is not None else "none"
        declared[str(field.validation_alias or name).upper().removeprefix("CANDLELAKE_")] = (
            f"{default} | {field.description}"
        )
    assert table == declared


def test_the_documents_name_every_command() -> None:
    document = (ROOT / "docs" / "commands.md").read_text()
    assert re.findall(r"^## `candlelake (\w+)", document, re.MULTILINE) == list(COMMANDS)
