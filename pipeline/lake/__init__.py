"""Delta tables and raw files in a folder or on S3: layout, replace a range, read a range, maintain, SQL."""
