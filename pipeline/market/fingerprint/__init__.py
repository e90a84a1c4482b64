"""Fingerprints: short hashes of what code and declarations mean, so that a table can say what computed its rows.

A fingerprint covers a declaration's values and the code behind it, followed from function to function through
`pipeline.market` and the package it was written in. It stays the same when comments, docstrings, annotations, layout,
sentences for people, or the names of modules, functions and variables change, and with another version of Python,
Polars or Numba. Code of other packages counts by the name of what is called.
"""

from pipeline.market.fingerprint.place import WORDS, Place, here
from pipeline.market.fingerprint.values import fingerprint

__all__ = ["WORDS", "Place", "fingerprint", "here"]
