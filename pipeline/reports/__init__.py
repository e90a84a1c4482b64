"""What people look at: pages of a session's candidates and of their tickers, as HTML that opens without a network.

A page is a frozen dataclass, made from frames by one pure function; `html` draws it, `folder` keeps it.
"""
