"""`python -m pipeline.cli`, for where the command itself is not installed."""

from pipeline.cli import main

main()
