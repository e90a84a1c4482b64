"""Reports: pages of a session's candidates and of their tickers, as HTML that opens without a network.

A page is a frozen dataclass, built from frames by one pure function; `html` renders it, `folder` stores it.
"""
