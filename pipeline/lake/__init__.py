"""Delta tables and raw files on disk: layout, replace a range, read a range, maintain, SQL."""
