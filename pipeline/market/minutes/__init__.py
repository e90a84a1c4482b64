"""Bars of minutes: hours of trading, and what a session's minutes say."""
