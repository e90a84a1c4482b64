"""From vendors' files and answers to raw files to bars, without Dagster."""
