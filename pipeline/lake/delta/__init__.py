"""Delta tables: commits, the log, what is read of them, and what keeps them small."""
