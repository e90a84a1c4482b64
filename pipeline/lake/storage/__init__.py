"""Where the lake lies: a folder or a prefix on S3, and how bytes are written there."""
