"""The second wall: may this request's class meet this place, and is the place where it says it is?

Asked by the transport at every send and at every connect, independently of routing, so that one bug there is not a
leak. Looks at resolved addresses only; names and promises do not count.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import assert_never

from tidegate.backends.base import Endpoint, Holds
from tidegate.core.boundary import HIGHEST_CLASS, Boundary, DataClass
from tidegate.core.errors import BoundaryBreach

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def check_class(endpoint: Endpoint, data_class: DataClass) -> None:
    """Refuse a class that the boundary can never take, and one that this backend was not given."""
    allowed = min(HIGHEST_CLASS[endpoint.boundary], endpoint.accepts, key=lambda one: one.rank)
    if data_class.rank > allowed.rank:
        raise BoundaryBreach(
            f"stopped at the transport: a {data_class.value} request must not reach backend "
            f"{endpoint.name!r} ({endpoint.boundary.value}); nothing was sent"
        )


def check_masked(endpoint: Endpoint, body: bytes, holds: Holds) -> None:
    """Refuse a masked request whose bytes hold a value all the same, however they came to be written."""
    if holds(body):
        raise BoundaryBreach(
            f"stopped at the transport: a masked request for backend {endpoint.name!r} still held a value that must not "
            "leave; nothing was sent"
        )


def check_address(endpoint: Endpoint, address: str) -> None:
    """Refuse an address outside the boundary: loopback for `device`, the allow-list for `private`."""
    found = _plain(ip_address(address.partition("%")[0]))
    match endpoint.boundary:
        case Boundary.DEVICE:
            inside = found.is_loopback
        case Boundary.PRIVATE:
            inside = any(found in network for network in endpoint.networks)
        case Boundary.EXTERNAL:
            inside = True
        case _:
            assert_never(endpoint.boundary)
    if not inside:
        raise BoundaryBreach(
            f"stopped at the transport: backend {endpoint.name!r} is configured as {endpoint.boundary.value} but its "
            "host resolves to an address outside that boundary; check `base_url` and `networks`"
        )


def _plain(address: Address) -> Address:
    """An IPv4 address that came dressed as IPv6."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
