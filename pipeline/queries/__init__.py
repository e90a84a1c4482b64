"""Queries of the lake, without Dagster."""
