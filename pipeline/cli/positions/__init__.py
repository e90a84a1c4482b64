"""`candlelake positions`: records and shows what you hold."""

RUN_ID = "candlelake positions"
"""The commits of the command line have this instead of a run's id."""
