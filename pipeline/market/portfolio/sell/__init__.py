"""The sell rules: declared conditions on positions, each with its severity and its reasons in words."""
