"""What is held: the book, its positions at each session, and reasons to sell."""
