"""What tables hold of declarations that are gone: columns of indicators, and lists of models."""

from pipeline.lake.lake import Lake
from pipeline.market.market import Market


def undeclared_columns(lake: Lake, market: Market) -> list[str]:
    """Return the columns of the table of indicators that no declaration in force writes."""
    if not lake.exists(market.indicators):
        return []
    stored = [field.name for field in lake.open(market.indicators).schema().fields]
    return [name for name in stored if name not in (*market.indicators.columns, market.indicators.layout.column)]


def undeclared_models(lake: Lake, market: Market) -> list[str]:
    """Return the models that have lists and that no declaration in force names."""
    if not lake.exists(market.candidates):
        return []
    listed = lake.scan(market.candidates, columns=["model"]).unique().collect()["model"].sort()
    return [name for name in listed if name not in {model.name for model in market.models}]
