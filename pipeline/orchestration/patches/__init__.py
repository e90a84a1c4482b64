"""The private parts of Dagster that are used or replaced, and what it would cost to do without each."""
