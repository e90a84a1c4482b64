"""Outcomes of candidates, and scores of lists and models."""
