"""Getting bytes from elsewhere: landing, patience, gzip, S3, folders."""
