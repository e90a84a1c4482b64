"""The vendor Massive: its files, its REST API, its reference data."""
