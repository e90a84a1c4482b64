"""The second stage: validated daily bars, rejected rows, and the audit trail of every file."""

from collections.abc import Mapping

from dagster import AssetsDefinition

from pipeline.assets.cleaned import CleaningStep, cleaned_bars_of
from pipeline.ingest.intake import EDITIONS, Clean
from pipeline.market.market import Market
from pipeline.orchestration.comparison import Comparison
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.queries.coverage import with_coverage

CHUNK = 21
"""Sessions passed to the writer at a time: about a month, which it collects anyway."""


def bars_of(
    market: Market, partitions: SessionPartitions, editions: Mapping[str, Clean] = EDITIONS
) -> AssetsDefinition:
    """Return the asset that cleans the vendor's day files of `market` into bars, each by the edition it came in."""
    days = CleaningStep(
        name=f"{market.venue.market}_cleaned_day_aggs",
        stage="bars",
        raw=(market.venue.market, "raw_day_aggs"),
        editions=editions,
        bars=market.bars,
        quarantine=market.quarantine,
        trail=market.deliveries,
        label="cleaning",
        chunk=CHUNK,
        compare=Comparison,
        described=with_coverage,
    )
    return cleaned_bars_of(market, partitions, days)
