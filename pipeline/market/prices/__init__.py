"""Prices on one basis: splits, dividends, and what was known when."""
