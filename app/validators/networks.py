"""What is behind a network address: IPv4 in whichever form a server names it, and the network that one subscriber holds."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address

#: Bits of an IPv6 address that name a subscriber's network; the others are the subscriber's to choose.
HOST_BITS = 64


def parse(address: str) -> IPv4Address | IPv6Address | None:
    """Return an address, IPv4 where IPv6 only wraps it (how a server of both families names it); None for what is none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def subscriber(address: str) -> str:
    """Return what limits count an address by: IPv4 as it is, IPv6 by its first 64 bits; what is no address as it is."""
    found = parse(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Address(int(found) >> HOST_BITS << HOST_BITS))
    return str(found or address)
