"""Files and answers of vendors to raw files to bars, without Dagster."""
