"""Delta tables: commits, the log, reading, and maintenance."""
