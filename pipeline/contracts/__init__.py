"""What each table promises: one module per table, and the one source of its columns."""
