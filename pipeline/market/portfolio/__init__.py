"""The portfolio: the book, its positions at each session, and reasons to sell."""
