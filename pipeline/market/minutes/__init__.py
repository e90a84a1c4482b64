"""Minute bars: trading hours, and features of a session's minutes."""
