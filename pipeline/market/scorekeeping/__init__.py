"""What became of the lists: outcomes and scores."""
