"""Alerts: a session's message, the channels it goes to, and the ledger of what was sent."""
