"""The sell rules: declared conditions on what is held, each with its severity and its reasons in words."""
