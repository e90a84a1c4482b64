"""Checks of stored files against their records."""
