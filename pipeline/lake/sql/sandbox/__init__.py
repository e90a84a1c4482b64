"""The process in which queries run: how it is started, what it may reach, and how its answers come back.

Nothing here knows SQL. What runs in the child before it is confined imports the standard library only.
"""
