"""What the child may read: the lake, Python and its packages, system libraries, time zones, and data about cores."""

import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

PACKAGE = Path(__file__).resolve().parents[3]
"""The folder of our own modules. Files beside it, such as settings, stay closed."""

SYSTEM = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/etc/ld.so.cache",
    "/usr/share/zoneinfo", "/etc/localtime",
    # The engines read the number of cores and the size of memory.
    "/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage",
)  # fmt: skip

NETWORK = (
    "/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/pki", "/etc/crypto-policies",
    "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/etc/resolv.conf",
    "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/run/systemd/resolve",
)  # fmt: skip
"""Names and certificates, for a lake on S3."""

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE")
PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


def module_folders() -> list[str]:
    """Return the folders of installed packages on this process's path."""
    installed = {"site-packages", "dist-packages"}
    return list(dict.fromkeys(entry for entry in sys.path if Path(entry).name in installed and Path(entry).is_dir()))


def readable_places(lake: str | None) -> list[str]:
    """Return what a child may read for a lake in this folder, or for a lake on S3 when None."""
    python = [*(sysconfig.get_path(name) for name in ("stdlib", "platstdlib")), f"{sys.base_prefix}/lib"]
    places = [*python, *module_folders(), str(PACKAGE), *SYSTEM]
    if lake is not None:
        return [*places, lake, *_linked_tables(Path(lake))]
    return [*places, *NETWORK, *(value for name, value in remote_environment().items() if name in CERTIFICATES)]


def remote_environment() -> dict[str, str]:
    """Return the variables with which programs find proxies and certificates, as they are set here."""
    names = [*PROXIES, *(name.lower() for name in PROXIES), *CERTIFICATES]
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def remote_ports(endpoint: str) -> list[int]:
    """Return the TCP ports of a lake's server and of the proxies on the way."""
    proxies = [value for name, value in remote_environment().items() if name.lower().endswith("_proxy")]
    return sorted({port for address in (endpoint, *proxies) if (port := _port(address))})


def _port(address: str) -> int | None:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        return parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None


def _linked_tables(lake: Path) -> Iterator[str]:
    """Yield the places of markets and tables that are links in the lake."""
    for pattern in ("*", "*/*"):
        for place in lake.glob(pattern):
            if place.is_symlink() and place.is_dir():
                yield str(place.resolve())
