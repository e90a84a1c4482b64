import pytest

from pipeline.reports.sparkline import HEIGHT, INSET, WIDTH, sparkline


def points(text: str) -> list[tuple[float, float]]:
    return [tuple(map(float, point.split(","))) for point in text.split()]


def test_the_line_runs_from_edge_to_edge_with_the_highest_close_on_top():
    line = sparkline([10.0, 30.0, 20.0])
    top, bottom = INSET, HEIGHT - INSET
    assert points(line.points) == [(INSET, bottom), (WIDTH / 2, top), (WIDTH - INSET, HEIGHT / 2)]
    assert (line.last_x, line.last_y) == (WIDTH - INSET, HEIGHT / 2)


def test_closes_that_never_move_lie_in_the_middle():
    assert {y for _, y in points(sparkline([5.0] * 60).points)} == {HEIGHT / 2}


def test_the_change_is_from_the_first_close_to_the_last():
    assert sparkline([10.0, 30.0, 20.0]).change == pytest.approx(1.0)


@pytest.mark.parametrize("closes", [[], [7.0]])
def test_fewer_than_two_closes_draw_nothing(closes):
    line = sparkline(closes)
    assert line.points == ""
    assert line.change is None
    assert line.closes == tuple(closes)
