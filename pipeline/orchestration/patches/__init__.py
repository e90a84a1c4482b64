"""What of Dagster's private parts is used or replaced, and what it would cost to lose each."""
