"""The Dagster assets: thin shells over `market/`, one module per stage of the journey."""
