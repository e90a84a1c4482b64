"""Delta tables and raw files in a folder or on S3: layout, replacing and reading ranges, maintenance, SQL."""
