"""Compiled loops over bars sorted by ticker and session. Nothing here is imported before something is computed.

A kernel calls only functions of its own file: numba's cache notices a change of that file alone.
"""
