"""Holding what is stored against what was recorded of it."""
