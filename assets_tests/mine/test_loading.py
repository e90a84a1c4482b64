"""What the user's files declare: in their order, each once, and every mistake with its file and line."""

import re
from pathlib import Path

import polars as pl
import pytest

from assets_tests.stocks import BUILT_IN
from pipeline.errors import MineError
from pipeline.market.declarations import Declarations
from pipeline.market.fingerprint import fingerprint
from pipeline.mine.folder import files_in
from pipeline.mine.loading import DeclaredFile, with_files
from pipeline.mine.templates import TEMPLATES, text_of

GAP = """
import polars as pl
from pipeline.market.indicators import IndicatorColumn, expressed

{constant} = expressed(
    {{IndicatorColumn("{name}", "A gap.", unit="free"): pl.col("open") / pl.col("close").shift(1) - {less}}}, lookback=2
)
"""


def gap(name: str, less: int = 1) -> str:
    return GAP.format(constant=name.upper(), name=name, less=less)


def loaded(folder: Path, **files: str) -> tuple[Declarations, list[DeclaredFile]]:
    """Return what these files declare, beside what is shipped."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return with_files(BUILT_IN, files_in(folder))


def test_what_files_declare_comes_behind_what_is_shipped_in_their_order(tmp_path: Path) -> None:
    together, files = loaded(tmp_path, b=gap("gap_b"), a=gap("gap_z") + gap("gap_a"))
    shipped = [column.name for column in BUILT_IN.columns]
    assert [column.name for column in together.columns] == [*shipped, "gap_z", "gap_a", "gap_b"]
    assert [(one.file.name, one.names) for one in files] == [("a.py", ["gap_z", "gap_a"]), ("b.py", ["gap_b"])]
    assert together.models == BUILT_IN.models


@pytest.mark.parametrize("kind", TEMPLATES)
def test_each_file_that_is_written_for_the_user_declares_what_it_says(tmp_path: Path, kind: str) -> None:
    together, (file,) = loaded(tmp_path, my_own=text_of(kind, "my_own"))
    assert file.names == ["my_own"]
    found = {"indicator": together.columns, "model": together.models, "rule": together.rules}[kind]
    assert found[-1].name == "my_own"


def test_a_model_may_use_a_column_that_an_earlier_file_declares(tmp_path: Path) -> None:
    model = text_of("model", "wide").replace('pl.col("close") / pl.col("sma_50") - 1', 'pl.col("gap_a")')
    together, _ = loaded(tmp_path, a=gap("gap_a"), b=model)
    assert together.models[-1].name == "wide"


def test_files_may_import_each_other_and_a_file_with_a_line_before_its_name(tmp_path: Path) -> None:
    (tmp_path / "_days.py").write_text("DAYS = 7\n")
    text = text_of("indicator", "week").replace("import polars", "from ._days import DAYS\nimport polars")
    together, _ = loaded(tmp_path, week=text.replace("lookback=20", "lookback=DAYS"))
    assert together.indicators[-1].lookback == 7
    assert sorted(line.split()[0] for line in together.files["week"].splitlines()) == ["_days.py", "week.py"]


def test_a_changed_helper_is_read_again(tmp_path: Path) -> None:
    text = text_of("indicator", "week").replace("import polars", "from ._days import DAYS\nimport polars")
    for days in (7, 9):
        (tmp_path / "_days.py").write_text(f"DAYS = {days}\n")
        together, _ = loaded(tmp_path, week=text.replace("lookback=20", "lookback=DAYS"))
        assert together.indicators[-1].lookback == days


def test_what_a_file_prints_is_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loaded(tmp_path, a="print('hello')\n")
    assert capsys.readouterr().out == ""


def test_what_a_file_imports_is_not_declared_once_more(tmp_path: Path) -> None:
    together, files = loaded(
        tmp_path,
        a=gap("gap_a"),
        b="from pipeline.market.screen.models import TREND\nfrom .a import GAP_A\nALL = [TREND, GAP_A, GAP_A]\n",
    )
    assert [one.names for one in files] == [["gap_a"], []]
    assert together.models == BUILT_IN.models


def test_declarations_in_a_list_count_as_those_by_name_do(tmp_path: Path) -> None:
    text = gap("gap_a").replace("GAP_A = expressed", "GAPS = [expressed").replace("lookback=2\n)", "lookback=2\n)]")
    _, (file,) = loaded(tmp_path, a=text)
    assert file.names == ["gap_a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n\nthis is no Python\n", r"a\.py, line 3: SyntaxError: "),
        ("x = 1\ny = z\n", r"a\.py, line 2: NameError: name 'z' is not defined\. Correct the line"),
        ("import no_such_module\n", r"a\.py, line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise ValueError\n", r"a\.py, line 1: ValueError"),
        (gap("close"), r"a\.py: close is a column that stocks.daily_bars has already\."),
        (gap("rsi_14"), r"a\.py: rsi_14 is a column that two indicators have\."),
        (gap("gap_a").replace(', unit="free"', ""), r"a\.py, line 6: The indicator column gap_a states no unit"),
        (text_of("model", "trend"), r"a\.py: Several models are named trend\."),
        (text_of("rule", "stop_hit"), r"a\.py: Several rules are named stop_hit\."),
        (text_of("model", "mine").replace('"sma_50"', '"sma_51"'), r"a\.py: Factor mine uses sma_51"),
        (text_of("rule", "mine").replace('"drawdown"', '"fall"'), r"a\.py: Rule mine uses fall"),
    ],
)
def test_a_mistake_is_one_error_with_the_file_the_line_and_the_remedy(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(MineError, match=words) as refused:
        loaded(tmp_path, a=text)
    assert refused.value.remedy.endswith("To run without it, move the file out of the folder.")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("indicator", gap("twice")), ("model", text_of("model", "twice")), ("rule", text_of("rule", "twice"))],
)
def test_a_name_that_two_files_declare_is_one_error_with_both(tmp_path: Path, kind: str, text: str) -> None:
    with pytest.raises(MineError) as refused:
        loaded(tmp_path, a=gap("gap_a"), b=text, c=text)
    assert refused.value.message == f"{tmp_path / 'c.py'} and {tmp_path / 'b.py'} both declare the {kind} twice."
    assert "another name" in refused.value.remedy


def test_an_indicator_and_a_model_of_two_files_may_share_a_name(tmp_path: Path) -> None:
    together, _ = loaded(tmp_path, a=gap("same"), b=text_of("model", "same"))
    assert together.columns[-1].name == together.models[-1].name == "same"


def test_a_model_that_is_shipped_but_switched_off_is_switched_on_by_its_import(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    (line,) = re.findall(r"`(from pipeline\.market\.screen\.models import \w+)`", page)
    assert "strong_close" not in [model.name for model in BUILT_IN.models]
    together, _ = loaded(tmp_path, minutes=f"{line}\n")
    assert [model.name for model in together.models] == [*(model.name for model in BUILT_IN.models), "strong_close"]


def test_a_file_that_exits_ends_as_an_error_and_not_the_command(tmp_path: Path) -> None:
    with pytest.raises(MineError, match="SystemExit"):
        loaded(tmp_path, a="import sys\nsys.exit(3)\n")


def test_a_mended_file_is_read_again(tmp_path: Path) -> None:
    with pytest.raises(MineError):
        loaded(tmp_path, a="nothing\n")
    together, _ = loaded(tmp_path, a=gap("gap_a"))
    assert together.columns[-1].name == "gap_a"


def test_the_same_files_are_the_same_declarations_and_leave_no_compiled_file(tmp_path: Path) -> None:
    first, _ = loaded(tmp_path, a=gap("gap_a"))
    again, _ = loaded(tmp_path)
    assert first.indicators[-1] is again.indicators[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["a.py"]


def fingerprint_of(declarations: Declarations, name: str) -> str:
    indicator = next(one for one in declarations.indicators if one.columns[0].name == name)
    return indicator.fingerprints(declarations.lookback)[name]


def test_a_fingerprint_changes_with_the_formula_and_not_with_comments_or_other_files(tmp_path: Path) -> None:
    first = fingerprint_of(loaded(tmp_path, a=gap("gap_a"))[0], "gap_a")
    assert fingerprint_of(loaded(tmp_path, a="# A comment.\n" + gap("gap_a"), b=gap("gap_b"))[0], "gap_a") == first
    assert fingerprint_of(loaded(tmp_path, a=gap("gap_a", less=2))[0], "gap_a") != first


def test_a_model_s_fingerprint_changes_with_a_helper_of_its_file(tmp_path: Path) -> None:
    helped = text_of("model", "mine").replace("STRENGTH = Factor", "DAYS = 'sma_50'\n\nSTRENGTH = Factor")
    helped = helped.replace('pl.col("sma_50")', "pl.col(DAYS)")
    first = fingerprint(loaded(tmp_path, mine=helped)[0].models[-1])
    other = fingerprint(loaded(tmp_path, mine=helped.replace("'sma_50'", "'sma_200'"))[0].models[-1])
    assert first != other


def test_an_expression_of_a_file_computes_what_it_says(tmp_path: Path) -> None:
    together, _ = loaded(tmp_path, my_own=text_of("indicator", "my_own"))
    (expression,) = together.indicators[-1].compute.expressions
    bars = pl.DataFrame({"low": [1.0] * 20, "high": [5.0] * 20, "close": [2.0] * 20})
    assert bars.select(expression).to_series().to_list() == [None] * 19 + [0.25]
