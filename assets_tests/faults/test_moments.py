"""A seed decides at which shares of a run all tries end theirs, so that a failure can be sought again."""

from itertools import islice

from assets_tests.faults.moments import LET_THROUGH, PARTS, Moment, moments


def first(count: int, seed: int, of: str = "kills") -> list[Moment]:
    return list(islice(moments(seed, of), count))


def test_a_seed_gives_the_same_moments_again_whatever_else_was_tried_in_between() -> None:
    one, other = moments(7, "kills"), moments(7, "kills")
    drawn = []
    for _ in range(20):
        drawn.append(next(one))
        first(3, 7, "zombies")
    assert drawn == list(islice(other, 20))


def test_another_seed_and_another_kind_of_try_give_other_moments() -> None:
    assert len({moment.share for seed in (1, 2) for of in ("a", "b") for moment in first(50, seed, of)}) == 200


def test_moments_are_spread_over_the_whole_run_and_some_let_the_next_run_through() -> None:
    tried = first(300, 1)
    assert {int(moment.share * 10) for moment in tried} == set(range(10))
    assert 0 < sum(moment.is_followed_by_whole_run for moment in tried) < 2 * LET_THROUGH * len(tried)


def test_each_part_of_a_run_is_tried_once_before_any_is_tried_again() -> None:
    tried = [int(moment.share * PARTS) for moment in first(5 * PARTS, 1)]
    rounds = [tried[begin : begin + PARTS] for begin in range(0, len(tried), PARTS)]
    assert all(sorted(one) == list(range(PARTS)) for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1
