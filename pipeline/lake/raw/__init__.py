"""The vendor's files as they were delivered, each version with its receipt."""
