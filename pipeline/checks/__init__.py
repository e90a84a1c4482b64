"""Asset checks: from the contracts, and special ones."""
