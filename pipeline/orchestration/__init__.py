"""Dagster: jobs, schedules, sensors, partitions, runs, the instance and its resources."""
