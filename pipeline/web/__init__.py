"""Servers for browsers: the Dagster UI, the pages, and the check of who may visit."""
