"""The contract of each table: one module per table, the only source of its columns."""
