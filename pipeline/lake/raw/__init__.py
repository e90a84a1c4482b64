"""The vendor's files as delivered, each version with its receipt."""
