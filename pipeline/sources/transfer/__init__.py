"""Transfer of bytes: landing, patience, gzip, S3, folders."""
