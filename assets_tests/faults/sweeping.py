"""One command over copies of one home, on a disk that is full at one moment or another, and what must be true then."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from assets_tests.faults.full_disk import END, NEVER, NEXT, TORN, FullDisk, Moment, numbered
from assets_tests.faults.nursery import Work
from assets_tests.faults.two_versions import Market, lake_of
from pipeline.lake.integrity.damage import Damage
from pipeline.progress import Progress
from pipeline.queries.integrity import verify
from pipeline.tables import EVERY_TABLE

UNTIL = (END, NEXT, TORN)

OF_A_RUN = ("run_id", "first_seen", "last_seen")
"""Columns that tell of the run that wrote a row; so do all moments of time."""


@dataclass(frozen=True)
class Outcome:
    """What a command left."""

    tables: Mapping[str, pl.DataFrame]
    files: frozenset[str]
    """Names of vendor files, receipts, pages and the catalog."""
    damages: list[Damage]


class Sweep:
    """A command or job over a home as it is now, which each try begins with again."""

    def __init__(self, market: Market, folder: Path, work: Work) -> None:
        self._market, self._work = market, work
        self._home: Path = work.settings["home"]
        self._disk = FullDisk(folder / "notes")
        self._before = shutil.copytree(self._home, folder / "before")
        self._sound = not outcome(work.settings).damages
        self.refused = 0
        """Tries in which the disk was full."""
        code, said = self._ended(NEVER)
        assert code == 0, said
        self.moments = numbered(self._disk.calls())
        self._expected = outcome(work.settings)
        assert self._expected.damages == []

    def drawn(self, chance: Random, of_databases: int, kinds: int = 1) -> list[Moment]:
        """Return the moments to try: all, but of the many writes to databases so many, each for some `kinds` of end."""
        databases = [one for one in self.moments if one.call.is_of_a_database]
        others = [one for one in self.moments if not one.call.is_of_a_database]
        chosen = [*others, *chance.sample(databases, min(of_databases, len(databases)))]
        return [replace(one, until=until) for one in chosen for until in chance.sample(UNTIL, kinds)]

    def require_survived(self, moment: Moment) -> None:
        """Fail unless a disk that is full at `moment` does no harm, and with room again the command ends well."""
        shutil.rmtree(self._home)
        shutil.copytree(self._before, self._home)
        code, said = self._ended(moment)
        self.refused += self._disk.refused() > 0
        about = f"{self._name}: {moment}: {said}"
        assert code in {0, 1}, about
        if self._work.command:
            require_words(code, said, about)
        if self._sound:
            assert outcome(self._work.settings).damages == [], about
        if code:
            code, again = self._ended(NEVER)
            assert code == 0, f"{about}\nonce more: {again}"
        self._require_as_expected(about)

    def _ended(self, moment: Moment) -> tuple[int, str]:
        full = self._disk.environment(self._home, moment)
        work = replace(self._work, environment={**self._work.environment, **full})
        process = self._market.nursery.start(work)
        return process.wait(), process.said()

    def _require_as_expected(self, about: str) -> None:
        found = outcome(self._work.settings)
        assert found.damages == [], about
        assert found.files >= self._expected.files, f"{about}\nmissing: {self._expected.files - found.files}"
        assert found.tables.keys() == self._expected.tables.keys(), about
        for name, rows in self._expected.tables.items():
            try:
                assert_frame_equal(found.tables[name], rows)
            except AssertionError as differ:
                raise AssertionError(f"{about}\n{name}: {differ}") from differ

    @cached_property
    def _name(self) -> str:
        return " ".join(self._work.command) or self._work.job


def require_words(code: int, said: str, about: str) -> None:
    """Fail unless a command that failed says so in its last line, and there only, with a remedy."""
    assert "Traceback" not in said, about
    assert "panicked" not in said, about
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert errors == (said.splitlines()[-1:] if code else []), about
    assert all(line.endswith(".") and line.count(". ") for line in errors), about


def outcome(settings: Mapping[str, Any]) -> Outcome:
    """Return what a home holds: the rows of every table, the files beside them, and what a check finds damaged."""
    lake = lake_of(dict(settings))
    tables = {
        table.sql_name: _told(lake.scan(table).sort(table.key).collect()) for table in EVERY_TABLE if lake.exists(table)
    }
    home: Path = settings["home"]
    beside = (path for part in ("lake/raw", "reports") for path in (home / part).rglob("*") if path.is_file())
    names = [path.relative_to(home).as_posix() for path in [*beside, *home.glob("*.duckdb")]]
    whole = frozenset(name for name in names if "/." not in name)
    return Outcome(tables, whole, verify(lake, Progress()).damages)


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    moments = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.Datetime)]
    return rows.drop([*OF_A_RUN, *moments], strict=False)
