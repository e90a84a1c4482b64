"""What the project knows about markets. Pure Polars: no Dagster, no I/O, no clock."""
