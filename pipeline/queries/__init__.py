"""Questions asked of the lake, without Dagster."""
