"""The recipes of CONTRIBUTING.md, and a copy of the tree in which they are carried out."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from assets_tests.edited_package import run_of

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "CONTRIBUTING.md"

COPIED = ("pipeline", "docs", "workspace.yaml", "pyproject.toml")

KERNELS = Path("pipeline/market/indicators/kernels")
"""No recipe changes them, and they take long to compile: the copy has a link to them."""

STEP = re.compile(r"^(?P<how>As|At the end of|In) `(?P<path>[^`]+)`:$")
BLOCK = re.compile(r"```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)

RUN = """
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

from assets_tests.dagster_runs import TO_BARS, instance
from assets_tests.dagster_runs import run as dagster_run
from pipeline.cli import run_command
from pipeline.lake.lake import Lake
from pipeline.lake.sql import connect
from pipeline.settings import Settings

def run(*arguments):
    with redirect_stdout(sys.stderr):
        assert run_command(["--home", sys.argv[1], *arguments]) == 0

def run_only(*names, days):
    settings = Settings(home=sys.argv[1], flat_files=sys.argv[1] + "/sample")
    with instance() as dagster:
        dagster_run(settings, days, instance=dagster, only=names)

def rows(query):
    with connect(Lake(Path(sys.argv[1], "lake"))) as sql:
        return sql.sql(query).rows()
"""
"""What a check begins with, on the home of its first argument: `run` runs a command, `run_only` some assets of the
daily job, and `rows` asks its lake."""


@dataclass(frozen=True)
class Step:
    """A block of a recipe, and what to do with it in which file."""

    how: str
    path: str
    kind: str
    text: str

    def carry_out(self, tree: Path) -> None:
        """Make a file of the block, append it to one, or change one as it says. The lines to change are there once."""
        file = tree / self.path
        if self.how == "As":
            assert not file.exists(), f"{self.path} is there already"
            file.write_text(self.text)
        elif self.how == "At the end of":
            file.write_text(f"{file.read_text()}\n\n{self.text}")
        else:
            assert self.kind == "diff"
            lines = self.text.splitlines()
            before, after = (
                "".join(f"{line[1:]}\n" for line in lines if line[:1] in signs) for signs in ((" ", "-"), (" ", "+"))
            )
            was = file.read_text()
            assert was.count(f"\n{before}") == 1, f"{self.path} has not once\n{before}"
            file.write_text(was.replace(f"\n{before}", f"\n{after}"))


@dataclass(frozen=True)
class Recipe:
    """A recipe: what is said beside its blocks, and its steps."""

    name: str
    words: list[str]
    """Lines of prose, without those that name the file of a block."""
    steps: list[Step]


def recipes() -> dict[str, Recipe]:
    """Return every recipe by its heading."""
    _, *parts = PAGE.read_text().split("\n## Recipes\n")[1].split("\n### ")
    found = (recipe_of(*part.split("\n", 1)) for part in parts)
    return {recipe.name: recipe for recipe in found}


def recipe_of(name: str, text: str) -> Recipe:
    """Return a recipe from the text under its heading."""
    prose = BLOCK.sub("", text).splitlines()
    words = [line for line in prose if line and not STEP.match(line)]
    return Recipe(name, words, list(steps_in(text)))


def steps_in(text: str) -> Iterator[Step]:
    """Yield the blocks in order; one without a line of its own is for the file of the block before."""
    at, named = 0, None
    for block in BLOCK.finditer(text):
        lines = [line for line in text[at : block.start()].splitlines() if line]
        named = STEP.match(lines[-1]) if lines else named
        assert named, f"no line names the file of\n{block['text']}"
        yield Step(named["how"], named["path"], block["kind"], block["text"])
        at = block.end()


def copied_tree(folder: Path) -> Path:
    """Copy the package, the pages and the settings of the tools into `folder`, and return it."""
    folder.mkdir(exist_ok=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(KERNELS.name))
        else:
            shutil.copy(ROOT / name, folder)
    (folder / KERNELS).symlink_to(ROOT / KERNELS)
    return folder


RECIPES = recipes()


def after(tree: Path, name: str) -> Path:
    """Carry out the recipe `name` in a copy of the tree, and return the copy."""
    copy = copied_tree(tree)
    for step in RECIPES[name].steps:
        step.carry_out(copy)
    return copy


def answer(copy: Path, code: str, *arguments: str, **settings: str) -> Any:
    """Return what `code` prints there, which is JSON."""
    places = {"PYTHONPATH": f"{copy}{os.pathsep}{ROOT}", **settings}
    return json.loads(run_of(copy, "-W", "ignore", "-c", dedent(code), *arguments, **places))
