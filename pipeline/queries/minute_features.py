"""Intraday features of the sessions that are ranked, as far as the minute job, which is not the daily one, ran."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.lake.delta.commits import Reading
from pipeline.lake.lake import Lake
from pipeline.market.screen.model import Model
from pipeline.venues.session_words import first_sessions, share_of_sessions


def features_for(lake: Lake, sessions: Sequence[date], models: Sequence[Model]) -> list[Reading]:
    """Return the stored features of `sessions` as a list of one reading; an empty list when no model needs any."""
    if not any(model.needs_minutes for model in models):
        return []
    if not lake.exists(INTRADAY_FEATURES):
        return [Reading(INTRADAY_FEATURES, None, INTRADAY_FEATURES.empty().lazy())]
    return [lake.read(INTRADAY_FEATURES, sessions[0], sessions[-1])]


def missing_minutes_warnings(
    features: Sequence[Reading], sessions: Sequence[date], models: Sequence[Model]
) -> list[str]:
    """Return the warning about sessions on which models list no stock because their minutes are missing."""
    stored = {
        session
        for reading in features
        for session in reading.rows.select(pl.col("session").unique()).collect()["session"]
    }
    missing = [session for session in sessions if session not in stored]
    needing = [model.name for model in models if model.needs_minutes]
    if not missing or not needing:
        return []
    return [
        f"{share_of_sessions(missing, list(sessions))} no minutes, so no stock is listed by {', '.join(needing)}: "
        f"{first_sessions(missing)}. Run the job `minutes_by_day` for them, then their candidates again."
    ]
