"""The outside world, one module per vendor or kind of store."""
