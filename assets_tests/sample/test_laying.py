from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from assets_tests.sample.conftest import bytes_under
from pipeline.errors import SampleError
from pipeline.sample.laying import MARKER, Plan, SampleFile, lay_down

DAYS = (date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4))
PLAN = Plan({"sample": "letters", "seed": 1}, DAYS)
FILES = [SampleFile(f"days/{day}.csv.gz", f"rows of {day}".encode(), day) for day in DAYS]


class PowerCut(BaseException):
    pass


def until_power_cut() -> Iterator[SampleFile]:
    yield from FILES[:2]
    raise PowerCut


def never() -> Iterator[SampleFile]:
    raise AssertionError("a complete sample was made again")
    yield


def test_a_sample_is_laid_down_whole(tmp_path: Path):
    sample = lay_down(tmp_path / "new" / "folder", PLAN, FILES)
    assert (sample.first_session, sample.last_session, sample.files) == (DAYS[0], DAYS[-1], 3)
    assert sample.size == 3 * len("rows of 2024-01-02")
    assert (sample.folder / "days/2024-01-03.csv.gz").read_text() == "rows of 2024-01-03"


def test_laying_it_down_again_does_nothing(tmp_path: Path):
    first = lay_down(tmp_path, PLAN, FILES)
    before = bytes_under(tmp_path)
    assert lay_down(tmp_path, PLAN, never()) == first
    assert bytes_under(tmp_path) == before


def test_an_interrupted_laying_is_finished_by_the_next_one(tmp_path: Path):
    with pytest.raises(PowerCut):
        lay_down(tmp_path / "cut", PLAN, until_power_cut())
    assert not (tmp_path / "cut/days/2024-01-04.csv.gz").exists()
    lay_down(tmp_path / "cut", PLAN, FILES)
    lay_down(tmp_path / "whole", PLAN, FILES)
    assert bytes_under(tmp_path / "cut") == bytes_under(tmp_path / "whole")


def test_half_a_file_left_by_a_killed_process_does_not_stay(tmp_path: Path):
    with pytest.raises(PowerCut):
        lay_down(tmp_path, PLAN, until_power_cut())
    (tmp_path / "days/.2024-01-04.csv.gz.partial").write_bytes(b"rows")
    lay_down(tmp_path, PLAN, FILES)
    assert not list(tmp_path.rglob("*.partial"))


def test_a_process_killed_before_its_first_file_leaves_a_folder_that_can_be_used(tmp_path: Path):
    (tmp_path / f".{MARKER}.partial").write_bytes(b"{")
    assert lay_down(tmp_path, PLAN, FILES).files == 3


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"ro")])
def test_a_file_that_was_removed_or_cut_is_laid_again(tmp_path: Path, damage):
    lay_down(tmp_path, PLAN, FILES)
    damage(tmp_path / "days/2024-01-03.csv.gz")
    lay_down(tmp_path, PLAN, FILES)
    assert (tmp_path / "days/2024-01-03.csv.gz").read_text() == "rows of 2024-01-03"


def test_files_of_the_user_beside_the_sample_are_left_alone(tmp_path: Path):
    lay_down(tmp_path, PLAN, FILES)
    (tmp_path / "mine.txt").write_text("mine")
    lay_down(tmp_path, PLAN, never())
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_folder_with_other_files_is_refused_and_left_as_it_is(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SampleError, match=r"files that are not a sample market.*Choose another folder"):
        lay_down(tmp_path, PLAN, FILES)
    assert bytes_under(tmp_path) == {"mine.txt": b"mine"}


def test_a_folder_with_another_sample_is_refused_and_left_as_it_is(tmp_path: Path):
    lay_down(tmp_path, PLAN, FILES)
    before = bytes_under(tmp_path)
    with pytest.raises(SampleError, match=r"another sample market.*Choose another folder"):
        lay_down(tmp_path, Plan({"sample": "letters", "seed": 2}, DAYS), FILES)
    assert bytes_under(tmp_path) == before


@pytest.mark.parametrize("content", [b"not json", b"[1]", b"\xff\xfe\xfd"])
def test_an_unreadable_marker_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / MARKER).write_bytes(content)
    with pytest.raises(SampleError, match=r"unreadable.*remove this one"):
        lay_down(tmp_path, PLAN, FILES)


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(SampleError, match="contains a file"):
        lay_down(tmp_path / "taken", PLAN, FILES)


def test_a_place_that_cannot_be_written_is_refused_with_a_remedy(tmp_path: Path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(SampleError, match=r"cannot be written to.*Choose a folder you may write to"):
        lay_down(tmp_path / "taken" / "below", PLAN, FILES)


def test_modification_times_are_those_of_the_sessions_publication(tmp_path: Path):
    lay_down(tmp_path, PLAN, FILES)
    # 2024-01-03 11:00 New York is 16:00 UTC.
    assert (tmp_path / "days/2024-01-02.csv.gz").stat().st_mtime == 1704297600
