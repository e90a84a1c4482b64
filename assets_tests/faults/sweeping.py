"""One command over copies of one home, on a disk that is full at one moment or another, and what must be true then."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from assets_tests.faults.full_disk import END, NEVER, NEXT, TORN, FullDisk, Moment, numbered
from assets_tests.faults.nursery import Nursery, Work
from assets_tests.faults.two_versions import lake_of
from assets_tests.stocks import EVERY_TABLE
from pipeline.lake.integrity.damage import Damage
from pipeline.progress import Progress
from pipeline.queries.integrity import verify

UNTIL = (END, NEXT, TORN)

OF_A_RUN = ("run_id", "first_seen", "last_seen")
"""Columns about the run that wrote a row; all moments of time are such columns too."""


@dataclass(frozen=True)
class Outcome:
    """What a command left."""

    tables: Mapping[str, pl.DataFrame]
    files: frozenset[str]
    """Names of vendor files, receipts, pages and the catalog."""


class Sweep:
    """A command or job over a home as it is now, which each try begins with again."""

    def __init__(self, runs: Nursery, folder: Path, work: Work) -> None:
        self._runs, self._work = runs, work
        self._home: Path = work.settings["home"]
        self._disk = FullDisk(folder / "notes")
        self._before = shutil.copytree(self._home, folder / "before")
        self._was_sound = not damages(work.settings)
        self.refused = 0
        """Tries in which the disk was full."""
        code, output = self._result_at(NEVER)
        assert code == 0, output
        self.moments = numbered(self._disk.calls())
        self._expected = outcome(work.settings)
        assert damages(work.settings) == []

    def drawn(self, chance: Random, of_databases: int, kinds: int = 1) -> list[Moment]:
        """Return the moments to try, each for some `kinds` of end: all, but only `of_databases` writes to databases."""
        databases = [one for one in self.moments if one.call.is_of_a_database]
        others = [one for one in self.moments if not one.call.is_of_a_database]
        chosen = [*others, *chance.sample(databases, min(of_databases, len(databases)))]
        return [replace(one, until=until) for one in chosen for until in chance.sample(UNTIL, kinds)]

    def require_survived(self, moment: Moment) -> None:
        """Fail unless a disk that is full at `moment` does no harm, and with room again the command ends well."""
        shutil.rmtree(self._home)
        shutil.copytree(self._before, self._home)
        code, output = self._result_at(moment)
        self.refused += self._disk.refused() > 0
        about = f"{self._name}: {moment}: {output}"
        assert code in {0, 1}, about
        if self._work.command:
            require_words(self._work.command, code, output, about)
        if self._was_sound:
            assert damages(self._work.settings) == [], about
        if code:
            code, again = self._result_at(NEVER)
            assert code == 0, f"{about}\nonce more: {again}"
        self._require_as_expected(about)

    def _result_at(self, moment: Moment) -> tuple[int, str]:
        full = self._disk.environment(self._home, moment)
        work = replace(self._work, environment={**self._work.environment, **full})
        process = self._runs.start(work)
        return process.wait(), process.output()

    def _require_as_expected(self, about: str) -> None:
        assert damages(self._work.settings) == [], about
        found = outcome(self._work.settings)
        assert found.files >= self._expected.files, f"{about}\nmissing: {self._expected.files - found.files}"
        assert found.tables.keys() == self._expected.tables.keys(), f"{about}\n{sorted(found.tables)}"
        for name, rows in self._expected.tables.items():
            try:
                assert_frame_equal(found.tables[name], rows)
            except AssertionError as differ:
                raise AssertionError(f"{about}\n{name}: {differ}") from differ

    @cached_property
    def _name(self) -> str:
        return " ".join(self._work.command) or self._work.job


def require_words(command: Sequence[str], code: int, output: str, about: str) -> None:
    """Fail unless the last line of a failed command, and no other, is its error, with a remedy.

    A repair that is not finished has warnings instead, which name what is still damaged.
    """
    assert "Traceback" not in output, about
    assert "panicked" not in output, about
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    if code and not errors and "--repair" in command:
        assert "`candlelake verify --repair` goes on from here." in output, about
        return
    assert errors == (output.splitlines()[-1:] if code else []), about
    assert all(line.endswith(".") and ". " in line for line in errors), about


def outcome(settings: Mapping[str, Any]) -> Outcome:
    """Return the content of a home: the rows of every table, and the files beside them."""
    lake = lake_of(dict(settings))
    tables = {
        table.sql_name: _comparable(lake.scan(table).sort(table.key).collect())
        for table in EVERY_TABLE
        if lake.exists(table)
    }
    home: Path = settings["home"]
    beside = (path for part in ("lake/raw", "reports") for path in (home / part).rglob("*") if path.is_file())
    names = [path.relative_to(home).as_posix() for path in [*beside, *home.glob("*.duckdb")]]
    whole = frozenset(name for name in names if "/." not in name)
    return Outcome(tables, whole)


def damages(settings: Mapping[str, Any]) -> list[Damage]:
    """Return what a check of a home finds damaged."""
    return verify(lake_of(dict(settings)), Progress()).damages


def _comparable(rows: pl.DataFrame) -> pl.DataFrame:
    moments = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.Datetime)]
    return rows.drop([*OF_A_RUN, *moments], strict=False)
