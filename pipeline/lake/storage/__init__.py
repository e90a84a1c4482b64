"""The storage of the lake: a folder or a prefix on S3, and how bytes are written there."""
