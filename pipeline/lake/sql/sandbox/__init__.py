"""The process that runs queries: how it starts, what it may reach, and how it returns its results.

Nothing here knows SQL. Code that runs in the child before it is confined imports only the standard library.
"""
