"""Who may use the servers on this machine: the user's own browser on their pages, but no foreign web page in it.

Any page that a browser shows can send requests to 127.0.0.1. Two headers give it away: a Host that is not this
machine's name (but resolves to it), and an Origin that is not the server itself.
"""

import socket
from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit


def is_own_name(host: str) -> bool:
    """Return whether the Host header `host` names this machine: by an address, as localhost, or by its own name.

    An address cannot be redirected; a foreign name can.
    """
    name = _hostname(f"//{host}")
    return is_address(name) or name == "localhost" or name in _own_names()


def is_own_page(origin: str, host: str) -> bool:
    """Return whether `origin`, of an Origin header, is the server that the Host header `host` names."""
    return urlsplit(origin).netloc.lower() == host.lower() != ""


def is_loopback(host: str) -> bool:
    """Return whether a server that listens on `host` is reachable from this machine only."""
    return ip_address(host).is_loopback if is_address(host) else host.lower() == "localhost"


def is_address(name: str) -> bool:
    """Return whether `name` is an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _hostname(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


@cache
def _own_names() -> frozenset[str]:
    return frozenset({socket.gethostname().lower(), socket.getfqdn().lower()}) - {""}
