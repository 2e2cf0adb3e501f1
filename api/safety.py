"""What production must not start with: a secret that can be guessed, an address inside the house. Each fault is the end of a sentence."""

from __future__ import annotations

import ipaddress
import itertools
import os
import re
import socket
import stat
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

SECRET_LENGTH = 32
SECRET_DISTINCT = 8
SECRET_GUESSES = 0.7  # tens of guesses a character, as zxcvbn counts them; of random letters it is about one
_EVERYBODY_KNOWS = ("demo-", "example", "changeme", "change-me", "do-not-use", "password", "placeholder")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# The registries of special addresses as of 2025; `is_global` of the oldest Python that runs this lets some of them pass.
_IPV4_INSIDE = [
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # looks public, and is the host of a virtual machine in Azure
    )
]  # fmt: skip
_IPV6_OUTSIDE = ipaddress.IPv6Network("2000::/3")
_IPV6_INSIDE = [
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, benchmarks, ORCHID and the rest that the IETF keeps for itself
        "2001:db8::/32", "3fff::/20",
        "2002::/16",  # 6to4
    )
]  # fmt: skip
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # how a network without IPv4 of its own reaches all that have nothing else
_ISATAP = (0x00005EFE, 0x02005EFE)  # an IPv4 address in the second half, before it these

_NAMES_INSIDE = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "test", "invalid", "example")
_LOOPBACK_NAMES = ("localhost",)


def secret_fault(secret: str, *, length: int = SECRET_LENGTH) -> str | None:
    """Why a secret is none, or None: everybody knows it, it is short, or it is made of little."""
    if not secret:
        return "is missing"
    if any(word in secret.lower() for word in _EVERYBODY_KNOWS):
        return "is one that everybody can read in an example"
    if len(secret) < length:
        return f"has {len(secret)} characters, at least {length} are needed"
    if (distinct := len(set(secret))) < SECRET_DISTINCT:
        return f"is made of {distinct} different characters, at least {SECRET_DISTINCT} are needed"
    if _repeats(secret):
        return "repeats itself"
    if _PHRASE.search(secret) or _guesses(secret) < SECRET_GUESSES * min(len(secret), _READ):
        return "is made of words"
    return None


_PHRASE = re.compile(r"[A-Za-z]{2,}(?:[ _.-]+[A-Za-z]{2,}){2,}")
_READ = 72  # characters that zxcvbn reads


def _guesses(secret: str) -> float:
    """About how many guesses a secret takes, as a power of ten."""
    from zxcvbn import zxcvbn  # its lists of words are read by who judges a secret only

    return float(zxcvbn(secret[:_READ])["guesses_log10"])


def _repeats(secret: str) -> bool:
    """Whether a shorter text comes again and again, or most characters are neighbours of the one before (aaaa, 1234, zyxw)."""
    if any(secret[size:] == secret[:-size] for size in range(1, len(secret) // 2 + 1)):
        return True
    steps = [abs(ord(second) - ord(first)) <= 1 for first, second in itertools.pairwise(secret)]
    return sum(steps) * 2 > len(steps)


def address_fault(url: str, *, public: bool = True) -> str | None:
    """Why production must not use this address, or None. Without `public` a machine inside the house may be meant, never this one."""
    if not url:
        return "is missing"
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "is no address"
    if not host:
        return "names no host"
    if is_loopback(host):
        return "leads to this machine, where simulators are"
    if parts.scheme != "https":
        return "is not https"
    if public and is_inside(host):
        return "leads inside the house, not to the internet"
    return None


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine."""
    if (ip := _ip(host)) is None:
        return _below(host, _LOOPBACK_NAMES)
    meant = _ipv4_within(ip) or ip
    return meant.is_loopback or meant.is_unspecified


def is_inside(host: str) -> bool:
    """Whether a name or address cannot be on the internet; a name is not resolved."""
    if (ip := _ip(host)) is not None:
        return not is_public(str(ip))
    labels = host.rstrip(".").split(".")
    return len(labels) < 2 or labels[-1].isdecimal() or _below(host, _NAMES_INSIDE)


def _below(host: str, names: Iterable[str]) -> bool:
    name = host.rstrip(".").lower()
    return any(name == end or name.endswith(f".{end}") for end in names)


def _ip(host: str) -> IPAddress | None:
    """The address that a host is, also where it is written as one number, in hex or octal, or with parts left out."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError, UnicodeError):
        return None


def _ipv4_within(ip: IPAddress) -> ipaddress.IPv4Address | None:
    return ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None


def is_public(address: str) -> bool:
    """Whether an address belongs to the open internet. Of those that carry one of IPv4 only NAT64's may, and its IPv4 address is judged."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _IPV4_INSIDE)
    if ip in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    isatap = int(ip) >> 32 & 0xFFFFFFFF in _ISATAP
    return ip in _IPV6_OUTSIDE and not isatap and not any(ip in network for network in _IPV6_INSIDE)


def listening_fault(hosts: Iterable[str]) -> str | None:
    """Why a process outside production must not listen on these, or None."""
    beyond = sorted({host for host in hosts if not is_loopback(host) or _is_unspecified(host)})
    if not beyond:
        return None
    return (
        f"Outside production this listens on this machine only, not on {', '.join(beyond)}: its secrets and passwords are known. "
        "Listen on 127.0.0.1, or set MALLBRIDGE_ENV=production with settings of its own."
    )


#: How a proxy says whom it speaks for.
_SPEAKS_FOR = frozenset({"x-forwarded-for", "x-real-ip", "forwarded"})


def reaches_beyond(host: str, header_names: Iterable[str], *, proxies: int = 0) -> bool:
    """Whether a request was meant for another machine than this one, or comes through a proxy that the settings do not name."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return True
    return not is_loopback(name) or (proxies == 0 and any(header.lower() in _SPEAKS_FOR for header in header_names))


def _is_unspecified(host: str) -> bool:
    ip = _ip(host)
    return not host or (ip is not None and (_ipv4_within(ip) or ip).is_unspecified)


def hosts_of_this_process() -> list[str]:
    """Where this process listens or was told to listen: its open sockets, and `--host` of granian or flask."""
    return [*_told_hosts(sys.argv), *_listening_sockets()]


def _told_hosts(arguments: Sequence[str]) -> list[str]:
    hosts = [os.environ[name] for name in ("GRANIAN_HOST", "FLASK_RUN_HOST") if os.environ.get(name)]
    for place, argument in enumerate(arguments):
        name, given, host = argument.partition("=")
        if name in ("--host", "-h"):
            hosts += [host] if given else list(arguments[place + 1 : place + 2])
    return hosts


def _listening_sockets() -> list[str]:
    hosts = []
    folder = Path("/proc/self/fd")
    for number in [int(entry.name) for entry in folder.iterdir()] if folder.is_dir() else []:
        try:
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as held:
                is_open = held.family in (socket.AF_INET, socket.AF_INET6) and held.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                hosts += [str(held.getsockname()[0])] if is_open else []
        except OSError:
            continue  # the folder's own handle, or one that was closed meanwhile
    return hosts
