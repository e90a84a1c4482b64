"""What is served to browsers: the Dagster UI, pages, and who may visit."""
