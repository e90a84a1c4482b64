"""The intervals of trying again."""

import pytest

from assets_tests.sources.s3_faults import Waits
from pipeline.errors import TransferFailed
from pipeline.sources.landing import Interrupted
from pipeline.sources.patience import Patience


def test_a_wait_grows_within_its_jitter_up_to_the_longest() -> None:
    def waits_with(jitter: float) -> list[float]:
        waits = Waits()
        patience = Patience(
            attempts=5,
            first_wait=1,
            longest_wait=3,
            clock=lambda: waits.now,
            sleep=waits.sleep,
            jitter=lambda: jitter,
        )

        def fail() -> None:
            raise Interrupted("no", remedy="none")

        with pytest.raises(TransferFailed):
            patience.insist(fail, patience.deadline())
        return waits.slept

    assert waits_with(1.0) == [1.0, 2.0, 3.0, 3.0]
    assert waits_with(0.0) == [0.5, 1.0, 1.5, 1.5]
