"""A second venue, declared in two files: the market of Shanghai, and the definitions of its assets."""
