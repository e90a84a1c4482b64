"""Securities: listings, renames, and what the vendor said of them when."""
