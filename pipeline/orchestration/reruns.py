"""The runs that bring outdated tables up to date: their jobs, their assets and their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dagster import AssetKey, AssetsDefinition

from pipeline.assets.minutes import stock_intraday_features
from pipeline.assets.outcomes import model_scores, stock_outcomes
from pipeline.assets.portfolio import marked_positions
from pipeline.assets.signals import stock_candidates, stock_indicators
from pipeline.orchestration.jobs import ONLY_OUTDATED, minutes_by_day, outcomes, restated_signals
from pipeline.queries.outdated import OutdatedSessions

STEPS: tuple[tuple[str, tuple[tuple[AssetsDefinition, ...], ...]], ...] = (
    (minutes_by_day.name, ((stock_intraday_features,),)),
    (restated_signals.name, ((stock_indicators,), (stock_candidates,), (marked_positions,))),
    (outcomes.name, ((stock_outcomes, model_scores),)),
)
"""The jobs that make outdated tables again, each with the assets it makes together, each after its inputs."""


@dataclass(frozen=True)
class Rerun:
    """One run over consecutive sessions."""

    job: str
    first: date
    last: date
    assets: tuple[AssetKey, ...]

    @property
    def ops(self) -> dict[str, Any]:
        """Return the run configuration of its assets."""
        return ONLY_OUTDATED if self.job == restated_signals.name else {}


def reruns(due: OutdatedSessions) -> list[Rerun]:
    """Return the runs that bring the sessions `due` up to date, in the order in which to run them."""
    return [
        Rerun(job, stretch.first, stretch.last, assets)
        for stretch in due.stretches
        for job, together in STEPS
        if (assets := _assets(together, stretch.tables))
    ]


def _assets(together: Sequence[Sequence[AssetsDefinition]], due: Sequence[str]) -> tuple[AssetKey, ...]:
    """Return the assets of each group in `together` that has a due table."""
    groups = [sorted(key for definition in definitions for key in definition.keys) for definitions in together]
    return tuple(key for keys in groups if {".".join(key.path) for key in keys} & set(due) for key in keys)
